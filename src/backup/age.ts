const millisecondsPerDay = 86_400_000;

/**
 * Whether something is older than that; undefined where the time is none.
 *
 * @param time - RFC 3339.
 * @param now - In milliseconds.
 */
export function isOlderThan(time: string | undefined, days: number, now: number): boolean | undefined {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? undefined : now - at > days * millisecondsPerDay;
}

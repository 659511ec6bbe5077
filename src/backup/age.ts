const millisecondsPerDay = 86_400_000;

/**
 * Why something is older than `maxAgeDays` allows; undefined if it is not, or if there is no limit.
 *
 * @param time - RFC 3339.
 * @param now - In milliseconds.
 */
export function whyTooOld(
  what: string,
  time: string | undefined,
  maxAgeDays: number | undefined,
  now: number,
): string | undefined {
  if (maxAgeDays === undefined) {
    return undefined;
  }
  const at = Date.parse(time ?? "");
  if (Number.isNaN(at)) {
    return `the date of ${what} is not recorded, and maxAgeDays is ${maxAgeDays}`;
  }
  return now - at > maxAgeDays * millisecondsPerDay
    ? `${what} of ${time} is older than maxAgeDays (${maxAgeDays})`
    : undefined;
}

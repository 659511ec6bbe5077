const largestPage = 25;

/** A page of a list, whose items are in the order of their identifiers, which is not that of their creation. */
export function listPage(uri: string, query: URLSearchParams, items: readonly Record<string, unknown>[]): unknown {
  const size = Math.min(Number(query.get("maxresults") ?? largestPage) || largestPage, largestPage);
  const from = Number(query.get("$skiptoken") ?? 0);
  const sorted = items.toSorted((one, other) => (String(one.kid) < String(other.kid) ? -1 : 1));
  const rest = new URLSearchParams({
    "api-version": query.get("api-version") ?? "",
    $skiptoken: String(from + size),
    maxresults: String(size),
  });
  const nextLink = from + size < sorted.length ? `${uri}?${rest}` : null;
  return { value: sorted.slice(from, from + size), nextLink };
}

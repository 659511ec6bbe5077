import type { VaultKind } from "./vaultOptions";

const largestPage = 25;

type Item = Record<string, unknown>;

export interface ListRequest {
  readonly kind: VaultKind;
  /** Where the list is, without a query. */
  readonly uri: string;
  readonly query: URLSearchParams;
}

/** The pages of a list of versions are always full. */
export function fullPage(request: ListRequest, items: readonly Item[]): Item {
  const { size, from } = position(request.query);
  return page(request, items, from, from + size);
}

/**
 * The pages of a vault's list of objects or deleted objects. If the list is longer than a page, or if `isShort`, the first page
 * is empty and the others are half full.
 */
export function shortPage(request: ListRequest, items: readonly Item[], isShort: boolean): Item {
  const { size, from, isFirst } = position(request.query);
  const isEven = request.kind === "managedHsm" || items.length === 0 || (items.length <= size && !isShort);
  if (isEven) return page(request, items, from, from + size);
  return page(request, items, from, isFirst ? 0 : from + Math.ceil(size / 2));
}

function position(query: URLSearchParams): { size: number; from: number; isFirst: boolean } {
  const size = Math.min(Number(query.get("maxresults") ?? largestPage) || largestPage, largestPage);
  const token = query.get("$skiptoken");
  const from =
    Number(
      Buffer.from(token ?? "", "base64url")
        .toString()
        .replace("from ", ""),
    ) || 0;
  return { size, from, isFirst: token === null };
}

function page(request: ListRequest, items: readonly Item[], from: number, to: number): Item {
  const value = items.slice(from, to);
  if (to < items.length) return { value, nextLink: nextLink(request, to) };
  // A Managed HSM leaves nextLink out of the last page.
  return request.kind === "managedHsm" ? { value } : { value, nextLink: null };
}

/** A vault names the port, which the URI has here anyway. A Managed HSM leaves out the API version. */
function nextLink({ kind, uri, query }: ListRequest, from: number): string {
  const maxresults = query.get("maxresults");
  const size = maxresults === null ? [] : [`maxresults=${maxresults}`];
  const token = `$skiptoken=${Buffer.from(`from ${from}`).toString("base64url")}`;
  const version = `api-version=${query.get("api-version") ?? ""}`;
  return `${uri}?${(kind === "vault" ? [version, token, ...size] : [...size, token]).join("&")}`;
}

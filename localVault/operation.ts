import { type CollectionName, collectionNames } from "./objectKind";
import { type Answer, badParameter } from "./serviceError";
import type { VaultKind } from "./vaultOptions";

/** What a request asks for. An operation has the same name in every collection that has it. */
export type Operation =
  | "backup"
  | "cancelPending"
  | "create"
  | "decrypt"
  | "delete"
  | "deletePending"
  | "encrypt"
  | "get"
  | "getDeleted"
  | "getPending"
  | "getPolicy"
  | "import"
  | "list"
  | "listDeleted"
  | "listVersions"
  | "purge"
  | "recover"
  | "restore"
  | "rotate"
  | "set"
  | "sign"
  | "unknown"
  | "unwrapKey"
  | "update"
  | "verify"
  | "wrapKey";

export interface RequestedOperation {
  readonly operation: Operation;
  readonly collection: CollectionName | undefined;
  readonly objectName: string;
  readonly version: string;
}

interface Route {
  readonly collection: CollectionName;
  readonly method: string;
  readonly path: RegExp;
  readonly operation: Operation;
}

/** In a path, `:name` stands for a name and `:version` for a version that may be left out. */
function route(collection: CollectionName, method: string, path: string, operation: Operation): Route {
  const pattern = path.replace("/:version", "(?:/([^/]+))?").replace(":name", "([^/]+)");
  return { collection, method, path: new RegExp(`^/${pattern}$`, "i"), operation };
}

const routesOfAll = (collection: CollectionName): Route[] => [
  route(collection, "GET", collection, "list"),
  route(collection, "POST", `${collection}/restore`, "restore"),
  route(collection, "POST", `${collection}/:name/backup`, "backup"),
  route(collection, "GET", `${collection}/:name/versions`, "listVersions"),
  route(collection, "GET", `${collection}/:name/:version`, "get"),
  route(collection, "PATCH", `${collection}/:name/:version`, "update"),
  route(collection, "DELETE", `${collection}/:name`, "delete"),
  route(collection, "GET", `deleted${collection}`, "listDeleted"),
  route(collection, "GET", `deleted${collection}/:name`, "getDeleted"),
  route(collection, "DELETE", `deleted${collection}/:name`, "purge"),
  route(collection, "POST", `deleted${collection}/:name/recover`, "recover"),
];

// The first match counts.
const routes: readonly Route[] = [
  route("keys", "POST", "keys/:name/create", "create"),
  route("keys", "POST", "keys/:name/rotate", "rotate"),
  // Clients that know no version leave its segment empty, and the service takes the latest version.
  ...(["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"] as const).map((use) =>
    // @azure/keyvault-keys writes unwrapKey and wrapKey in lower case, unlike the permissions.
    route("keys", "POST", `keys/:name/:version/${use}`, use),
  ),
  route("secrets", "PUT", "secrets/:name", "set"),
  route("certificates", "POST", "certificates/:name/create", "create"),
  route("certificates", "POST", "certificates/:name/import", "import"),
  route("certificates", "GET", "certificates/:name/pending", "getPending"),
  route("certificates", "PATCH", "certificates/:name/pending", "cancelPending"),
  route("certificates", "DELETE", "certificates/:name/pending", "deletePending"),
  route("certificates", "GET", "certificates/:name/policy", "getPolicy"),
  ...collectionNames.flatMap(routesOfAll),
];

/** What a request asks for. The slashes of the path are single. A Managed HSM has only keys. */
export function requestedOperation(kind: VaultKind, method: string, path: string): RequestedOperation {
  for (const { collection, ...route } of routes) {
    const match = route.method === method ? route.path.exec(path) : null;
    if (match && (kind === "vault" || collection === "keys")) {
      const [, objectName = "", version = ""] = match.map((part) =>
        part === undefined ? "" : decodeURIComponent(part),
      );
      return { operation: route.operation, collection, objectName, version };
    }
  }
  return { operation: "unknown", collection: undefined, objectName: "", version: "" };
}

/** One slash between segments and none at the end. */
export function normalisePath(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

// Microsoft's azure-rest-api-specs, data plane of Key Vault, stable and preview.
const supportedVersions =
  /^(2016-10-01|7\.[0-6]|7\.[3-6]-preview(\.[12])?|2025-06-01-preview|2025-07-01|2026-0(1|3|5|7)-01-preview|2026-04-01)$/;

/** The service has no default version. */
export function apiVersionRefusal(version: string | null): Answer | undefined {
  if (version === null || version === "") return badParameter("api-version must be specified");
  if (supportedVersions.test(version)) return undefined;
  return badParameter(
    `The specified version (${version}) is not recognized. Consider using the latest supported version (2025-07-01).`,
  );
}

/** Whether a version is `7.minor` or newer, previews included. */
export function isSince(version: string | null, minor: number): boolean {
  if (version === null || version === "2016-10-01") return false;
  return Number(/^7\.(\d)/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY) >= minor;
}

export type Operation =
  | "backup"
  | "create"
  | "decrypt"
  | "delete"
  | "get"
  | "getDeleted"
  | "list"
  | "listDeleted"
  | "listVersions"
  | "purge"
  | "recover"
  | "restore"
  | "rotate"
  | "sign"
  | "unknown"
  | "unwrapKey"
  | "update"
  | "verify";

export const allPermissions = [
  "backup",
  "create",
  "decrypt",
  "delete",
  "get",
  "list",
  "purge",
  "recover",
  "restore",
  "rotate",
  "sign",
  "unwrapKey",
  "update",
  "verify",
] as const;

export type Permission = (typeof allPermissions)[number];

export interface KeyOperation {
  readonly operation: Operation;
  readonly keyName: string;
  readonly version: string;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly operation: Operation;
}

// The service reads the first match: a key called "restore" is out of reach of POST, as in Azure.
const routes: readonly Route[] = [
  { method: "GET", path: /^\/keys$/, operation: "list" },
  { method: "POST", path: /^\/keys\/restore$/, operation: "restore" },
  { method: "POST", path: /^\/keys\/([^/]+)\/create$/, operation: "create" },
  { method: "POST", path: /^\/keys\/([^/]+)\/rotate$/, operation: "rotate" },
  { method: "POST", path: /^\/keys\/([^/]+)\/backup$/, operation: "backup" },
  { method: "GET", path: /^\/keys\/([^/]+)\/versions$/, operation: "listVersions" },
  { method: "GET", path: /^\/keys\/([^/]+)(?:\/([^/]+))?$/, operation: "get" },
  { method: "PATCH", path: /^\/keys\/([^/]+)(?:\/([^/]+))?$/, operation: "update" },
  { method: "DELETE", path: /^\/keys\/([^/]+)$/, operation: "delete" },
  // Clients that were given no version leave its segment empty, and the service takes the latest.
  { method: "POST", path: /^\/keys\/([^/]+)(?:\/([^/]+))?\/sign$/, operation: "sign" },
  { method: "POST", path: /^\/keys\/([^/]+)(?:\/([^/]+))?\/verify$/, operation: "verify" },
  { method: "POST", path: /^\/keys\/([^/]+)(?:\/([^/]+))?\/decrypt$/, operation: "decrypt" },
  // @azure/keyvault-keys writes it in lower case, unlike the permission.
  { method: "POST", path: /^\/keys\/([^/]+)(?:\/([^/]+))?\/unwrapkey$/i, operation: "unwrapKey" },
  { method: "GET", path: /^\/deletedkeys$/, operation: "listDeleted" },
  { method: "GET", path: /^\/deletedkeys\/([^/]+)$/, operation: "getDeleted" },
  { method: "DELETE", path: /^\/deletedkeys\/([^/]+)$/, operation: "purge" },
  { method: "POST", path: /^\/deletedkeys\/([^/]+)\/recover$/, operation: "recover" },
];

/** What a request asks of the service, by its method and its path, in which slashes are single. */
export function keyOperation(method: string, path: string): KeyOperation {
  for (const route of routes) {
    const match = route.method === method ? route.path.exec(path) : null;
    if (match) {
      const [, keyName = "", version = ""] = match.map((part) => (part === undefined ? "" : decodeURIComponent(part)));
      return { operation: route.operation, keyName, version };
    }
  }
  return { operation: "unknown", keyName: "", version: "" };
}

/** One slash between segments and none at the end. */
export function normalisePath(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}

/** The permission that access policies and roles must grant for an operation. */
export function permissionFor(operation: Exclude<Operation, "unknown">): Permission {
  switch (operation) {
    case "listDeleted":
    case "listVersions":
      return "list";
    case "getDeleted":
      return "get";
    default:
      return operation;
  }
}

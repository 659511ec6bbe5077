import { type Answer, badParameter } from "./serviceError";

export type Operation =
  | "backup"
  | "create"
  | "decrypt"
  | "delete"
  | "encrypt"
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
  | "verify"
  | "wrapKey";

export const allPermissions = [
  "backup",
  "create",
  "decrypt",
  "delete",
  "encrypt",
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
  "wrapKey",
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

// The first match counts.
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
  // Clients that know no version leave its segment empty, and the service takes the latest version.
  ...(["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"] as const).map((operation) => ({
    method: "POST",
    // @azure/keyvault-keys writes unwrapKey and wrapKey in lower case, unlike the permissions.
    path: new RegExp(`^/keys/([^/]+)(?:/([^/]+))?/${operation}$`, "i"),
    operation,
  })),
  { method: "GET", path: /^\/deletedkeys$/, operation: "listDeleted" },
  { method: "GET", path: /^\/deletedkeys\/([^/]+)$/, operation: "getDeleted" },
  { method: "DELETE", path: /^\/deletedkeys\/([^/]+)$/, operation: "purge" },
  { method: "POST", path: /^\/deletedkeys\/([^/]+)\/recover$/, operation: "recover" },
];

/** What a request asks for. The slashes of the path are single. */
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

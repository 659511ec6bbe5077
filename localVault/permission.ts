import type { CollectionName } from "./objectKind";
import type { Operation } from "./operation";
import type { VaultKind } from "./vaultOptions";

const common = ["backup", "create", "delete", "get", "list", "purge", "recover", "restore", "update"] as const;

/** The permissions that access policies know. */
export const allPermissions: Record<CollectionName, readonly string[]> = {
  keys: [...common, "decrypt", "encrypt", "rotate", "sign", "unwrapKey", "verify", "wrapKey"],
  // There is neither `create` nor `update` for secrets: `set` covers both.
  secrets: ["backup", "delete", "get", "list", "purge", "recover", "restore", "set"],
  certificates: [...common, "import"],
};

/** The permission that access policies must grant for an operation. */
export function permissionFor(collection: CollectionName, operation: Operation): string {
  switch (operation) {
    case "listDeleted":
    case "listVersions":
      return "list";
    case "getDeleted":
    case "getPending":
    case "getPolicy":
    case "unknown":
      return "get";
    case "cancelPending":
    case "deletePending":
      return "update";
    case "update":
      return collection === "secrets" ? "set" : "update";
    default:
      return operation;
  }
}

/** The data actions whose names differ from those of the permissions. */
const otherNames: Record<CollectionName, Record<string, string>> = {
  keys: { get: "read", list: "read", delete: "delete", unwrapKey: "unwrap/action", wrapKey: "wrap/action" },
  secrets: { get: "getSecret/action", list: "readMetadata/action", set: "setSecret/action", delete: "delete" },
  certificates: { get: "read", list: "read", delete: "delete" },
};

/** The data action that a role must grant for an operation. */
export function dataActionFor(kind: VaultKind, collection: CollectionName, operation: Operation): string {
  const permission = operation === "update" ? operation : permissionFor(collection, operation);
  const name = otherNames[collection][permission] ?? `${permission}/action`;
  return `Microsoft.KeyVault/${kind === "vault" ? "vaults" : "managedHsm"}/${collection}/${name}`;
}

import {
  alsoForCertificateDrills,
  certificatePermissions,
  keyPermissions,
  type Permission,
  type Permissions,
  secretPermissions,
} from "../objects/permissions";

type Objects = "keys" | "secrets" | "certificates";

const permissionsOf: Readonly<Record<Objects, Permissions>> = {
  keys: keyPermissions,
  secrets: secretPermissions,
  certificates: certificatePermissions,
};

/**
 * The data actions that backups need, refreshes included, for a custom role with nothing else in it. Data actions of a Managed HSM
 * are not among them.
 *
 * ```ts
 * const role = new azure.authorization.RoleDefinition("key-vault-backups", {
 *   roleName: "Key Vault backups",
 *   scope: group.id,
 *   assignableScopes: [group.id], // a resource group or a subscription; the role is assigned on a vault
 *   permissions: [{ dataActions: backupDataActions("keys", "secrets") }],
 * });
 * ```
 *
 * @param objects - What is backed up; everything if none is named.
 */
export function backupDataActions(...objects: Objects[]): string[] {
  return dataActionsIn(
    namesOf(objects).flatMap((name) => {
      const { backup, list } = permissionsOf[name];
      return [backup, list];
    }),
  );
}

/**
 * The data actions that drills need in the scratch vault, for a custom role with nothing else in it. Do not assign that role in the
 * source's vault: the role can delete and purge. Data actions of a Managed HSM are not among them.
 *
 * @param objects - What is proved; everything if none is named.
 */
export function drillDataActions(...objects: Objects[]): string[] {
  return dataActionsIn(
    namesOf(objects).flatMap((name) => {
      const { backup: _, ...others } = permissionsOf[name];
      return [...Object.values(others), ...(name === "certificates" ? alsoForCertificateDrills : [])];
    }),
  );
}

/**
 * The data actions that copies in Azure Blob Storage need, for a custom role with nothing else in it: to read, and to write new
 * blobs. The role can neither overwrite nor delete. Restores and drills that read a copy need only `.../blobs/read`.
 */
export function copyDataActions(): string[] {
  const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
  return [`${blobs}/add/action`, `${blobs}/read`];
}

/** @throws An error if a program without types names something else. */
function namesOf(objects: readonly Objects[]): readonly Objects[] {
  const unknown = objects.find((name) => !Object.hasOwn(permissionsOf, name));
  if (unknown !== undefined) {
    throw new Error(`There are no data actions for "${unknown}": name keys, secrets or certificates.`);
  }
  return objects.length === 0 ? (Object.keys(permissionsOf) as Objects[]) : objects;
}

function dataActionsIn(permissions: readonly Permission[]): string[] {
  return [...new Set(permissions.map(({ dataAction }) => dataAction))].sort();
}

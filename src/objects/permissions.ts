/** What an identity needs for an operation. */
export interface Permission {
  /** The operation as a verb that takes the object: `back up`. */
  readonly verb: string;
  readonly dataAction: string;
  /** A built-in role that has the data action. */
  readonly role: string;
  /** The permission in an access policy. */
  readonly accessPolicy: string;
  /** Of a Managed HSM; undefined if an HSM holds no objects of the kind. */
  readonly hsm?: { readonly dataAction: string; readonly role: string };
}

/** What can be asked of a vault about any object. */
export type ObjectOperation = "backup" | "list" | "get" | "getDeleted" | "restore" | "update" | "delete" | "purge";

/** What can be done with a key. */
export type KeyUse = "sign" | "unwrapKey" | "decrypt";

export type OperationName = ObjectOperation | KeyUse;

export type Permissions = Readonly<Record<ObjectOperation, Permission>> & Readonly<Partial<Record<KeyUse, Permission>>>;

type Row = readonly [verb: string, action: string, accessPolicy: string, role: string];

function permission([verb, action, accessPolicy, role]: Row): Permission {
  return { verb, dataAction: `Microsoft.KeyVault/vaults/${action}`, accessPolicy, role };
}

function keyPermission(row: Row, hsmAction: string, hsmRole = "Managed HSM Crypto User"): Permission {
  return { ...permission(row), hsm: { dataAction: `Microsoft.KeyVault/managedHsm/${hsmAction}`, role: hsmRole } };
}

// https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
const user = "Key Vault Crypto User";
const officer = "Key Vault Crypto Officer";
const hsmOfficer = "Managed HSM Crypto Officer";

export const keyPermissions = {
  backup: keyPermission(["back up", "keys/backup/action", "backup", user], "keys/backup/action"),
  list: keyPermission(["list the versions of", "keys/read", "list", user], "keys/read/action"),
  get: keyPermission(["read", "keys/read", "get", user], "keys/read/action"),
  getDeleted: keyPermission(["read the deleted", "keys/read", "get", user], "keys/deletedKeys/read/action", hsmOfficer),
  restore: keyPermission(["restore", "keys/restore/action", "restore", officer], "keys/restore/action"),
  update: keyPermission(["tag", "keys/update/action", "update", officer], "keys/write/action"),
  delete: keyPermission(["delete", "keys/delete", "delete", officer], "keys/delete"),
  purge: keyPermission(["purge", "keys/purge/action", "purge", officer], "keys/deletedKeys/delete", hsmOfficer),
  sign: keyPermission(["sign with", "keys/sign/action", "sign", user], "keys/sign/action"),
  unwrapKey: keyPermission(["unwrap with", "keys/unwrap/action", "unwrapKey", user], "keys/unwrap/action"),
  decrypt: keyPermission(["decrypt with", "keys/decrypt/action", "decrypt", user], "keys/decrypt/action"),
} as const satisfies Permissions;

const reader = "Key Vault Reader";
const secretsUser = "Key Vault Secrets User";
const secretsOfficer = "Key Vault Secrets Officer";

export const secretPermissions: Permissions = {
  backup: permission(["back up", "secrets/backup/action", "backup", secretsOfficer]),
  list: permission(["list the versions of", "secrets/readMetadata/action", "list", reader]),
  get: permission(["read the value of", "secrets/getSecret/action", "get", secretsUser]),
  getDeleted: permission(["read the deleted", "secrets/getSecret/action", "get", secretsUser]),
  restore: permission(["restore", "secrets/restore/action", "restore", secretsOfficer]),
  update: permission(["tag", "secrets/update/action", "set", secretsOfficer]),
  delete: permission(["delete", "secrets/delete", "delete", secretsOfficer]),
  purge: permission(["purge", "secrets/purge/action", "purge", secretsOfficer]),
};

const certificatesOfficer = "Key Vault Certificates Officer";

export const certificatePermissions: Permissions = {
  backup: permission(["back up", "certificates/backup/action", "backup", certificatesOfficer]),
  list: permission(["list the versions of", "certificates/read", "list", reader]),
  get: permission(["read", "certificates/read", "get", reader]),
  getDeleted: permission(["read the deleted", "certificates/read", "get", reader]),
  restore: permission(["restore", "certificates/restore/action", "restore", certificatesOfficer]),
  update: permission(["tag", "certificates/update/action", "update", certificatesOfficer]),
  delete: permission(["delete", "certificates/delete", "delete", certificatesOfficer]),
  purge: permission(["purge", "certificates/purge/action", "purge", certificatesOfficer]),
};

/** A drill of a certificate uses the certificate's key. */
export const alsoForCertificateDrills: readonly Permission[] = [
  keyPermissions.get,
  keyPermissions.sign,
  keyPermissions.unwrapKey,
  keyPermissions.decrypt,
];

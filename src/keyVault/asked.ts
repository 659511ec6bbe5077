import { isManagedHsm } from "./keyReference";

/** What was to be done to which key. */
export interface Asked {
  readonly operation: Operation;
  readonly vaultUri: string;
  /** Undefined where it is not known yet: a blob tells its key's name to the service alone. */
  readonly keyName: string | undefined;
}

export type Operation =
  | "backup"
  | "read"
  | "get"
  | "restore"
  | "update"
  | "create"
  | "delete"
  | "purge"
  | "sign"
  | "unwrapKey"
  | "decrypt";

interface Grant {
  /** What is done to a key, as a verb without its object. */
  readonly verb: string;
  /** The data action under Microsoft.KeyVault/vaults/keys, and a built-in role that has it. */
  readonly action: string;
  readonly role: string;
  /** The data action under Microsoft.KeyVault/managedHsm/keys, and a local role that has it. */
  readonly hsmAction: string;
  readonly hsmRole: string;
  /** The key permission of access policies. */
  readonly permission: string;
}

const user = { role: "Key Vault Crypto User", hsmRole: "Managed HSM Crypto User" };
const officer = { role: "Key Vault Crypto Officer", hsmRole: "Managed HSM Crypto User" };

const grants: Readonly<Record<Operation, Grant>> = {
  backup: { verb: "back up", action: "backup/action", hsmAction: "backup/action", permission: "backup", ...user },
  read: { verb: "read", action: "read", hsmAction: "read/action", permission: "list", ...user },
  get: { verb: "read", action: "read", hsmAction: "read/action", permission: "get", ...user },
  restore: {
    verb: "restore",
    action: "restore/action",
    hsmAction: "restore/action",
    permission: "restore",
    ...officer,
  },
  update: { verb: "tag", action: "update/action", hsmAction: "write/action", permission: "update", ...officer },
  create: { verb: "create", action: "create/action", hsmAction: "create", permission: "create", ...officer },
  delete: { verb: "delete", action: "delete", hsmAction: "delete", permission: "delete", ...officer },
  purge: {
    verb: "purge",
    action: "purge/action",
    role: officer.role,
    hsmAction: "deletedKeys/delete",
    hsmRole: "Managed HSM Crypto Officer",
    permission: "purge",
  },
  sign: { verb: "sign with", action: "sign/action", hsmAction: "sign/action", permission: "sign", ...user },
  unwrapKey: {
    verb: "unwrap with",
    action: "unwrap/action",
    hsmAction: "unwrap/action",
    permission: "unwrapKey",
    ...user,
  },
  decrypt: {
    verb: "decrypt with",
    action: "decrypt/action",
    hsmAction: "decrypt/action",
    permission: "decrypt",
    ...user,
  },
};

/** What was asked, as a verb with its object. */
export function whatOf({ operation, vaultUri, keyName }: Asked): string {
  const key = keyName === undefined ? "a key" : `key "${keyName}"`;
  return `${grants[operation].verb} ${key} ${operation === "restore" ? "into" : "in"} ${new URL(vaultUri).host}`;
}

/** What to grant to the identity that may not do it. `cause` is the error code of the refusal. */
export function grantOf({ operation, vaultUri }: Asked, cause: string | undefined): string {
  const { action, role, hsmAction, hsmRole, permission } = grants[operation];
  if (isManagedHsm(vaultUri)) {
    return `Grant the data action Microsoft.KeyVault/managedHsm/keys/${hsmAction}, for instance with the local role ${hsmRole}.`;
  }
  if (cause === "ForbiddenByPolicy" || cause === "AccessDenied") {
    return `Give the identity the key permission "${permission}" in an access policy of the vault.`;
  }
  return `Grant the data action Microsoft.KeyVault/vaults/keys/${action}, for instance with the role ${role}.`;
}

import type { TokenCredential } from "@azure/core-auth";
import { CryptographyClient, KeyClient, type KeyProperties } from "@azure/keyvault-keys";
import { checkNames, type KeyObjectClient, proveKey } from "./keyProof";
import { type ClientOptions, isPurgeableBy, type ObjectKind, type ObjectVersion, type Permission } from "./objectKind";
import { publicKeyOf } from "./publicKey";

const cryptoUser = { role: "Key Vault Crypto User", hsmRole: "Managed HSM Crypto User" };
const cryptoOfficer = { role: "Key Vault Crypto Officer", hsmRole: "Managed HSM Crypto User" };

function permission(
  verb: string,
  action: string,
  accessPolicy: string,
  roles: { readonly role: string; readonly hsmRole: string },
  hsmAction = action,
): Permission {
  return {
    verb,
    dataAction: `Microsoft.KeyVault/vaults/keys/${action}`,
    accessPolicy,
    hsmDataAction: `Microsoft.KeyVault/managedHsm/keys/${hsmAction}`,
    ...roles,
  };
}

/** A key, with all its versions. */
export const key: ObjectKind<KeyObjectClient> = {
  noun: "key",
  collection: "keys",
  properties: { name: "keyName", uri: "keyUri", uriWithVersion: "keyUriWithVersion" },
  permissions: {
    backup: permission("back up", "backup/action", "backup", cryptoUser),
    list: permission("list the versions of", "read", "list", cryptoUser, "read/action"),
    get: permission("read", "read", "get", cryptoUser, "read/action"),
    getDeleted: permission(
      "read the deleted",
      "read",
      "get",
      { ...cryptoUser, hsmRole: "Managed HSM Crypto Officer" },
      "deletedKeys/read/action",
    ),
    restore: permission("restore", "restore/action", "restore", cryptoOfficer),
    update: permission("tag", "update/action", "update", cryptoOfficer, "write/action"),
    delete: permission("delete", "delete", "delete", cryptoOfficer),
    purge: permission(
      "purge",
      "purge/action",
      "purge",
      { ...cryptoOfficer, hsmRole: "Managed HSM Crypto Officer" },
      "deletedKeys/delete",
    ),
    sign: permission("sign with", "sign/action", "sign", cryptoUser),
    unwrapKey: permission("unwrap with", "unwrap/action", "unwrapKey", cryptoUser),
    decrypt: permission("decrypt with", "decrypt/action", "decrypt", cryptoUser),
  },
  connect,
  checks: checkNames,
  prove: proveKey,
};

function connect(vaultUri: string, credential: TokenCredential, options: ClientOptions): KeyObjectClient {
  const client = new KeyClient(vaultUri, credential, options);
  return {
    async listVersions(name, abortSignal) {
      const versions: ObjectVersion[] = [];
      for await (const properties of client.listPropertiesOfKeyVersions(name, { abortSignal })) {
        versions.push(versionOf(properties));
      }
      return versions;
    },
    async getCurrent(name, abortSignal) {
      return publicKeyOf(await client.getKey(name, { abortSignal }));
    },
    async getKey(name, version, abortSignal) {
      return publicKeyOf(await client.getKey(name, { version, abortSignal }));
    },
    async getThumbprint(name, version, abortSignal) {
      return (await publicKeyOf(await client.getKey(name, { version, abortSignal }))).thumbprint;
    },
    async backUp(name, abortSignal) {
      let body: string | null | undefined;
      // The client decodes what it can of a damaged value and drops the rest.
      await client.backupKey(name, { abortSignal, onResponse: ({ bodyAsText }) => (body = bodyAsText) });
      return (JSON.parse(body ?? "null") as { value?: unknown } | null)?.value;
    },
    async restore(blob, abortSignal) {
      const { name, properties } = await client.restoreKeyBackup(blob, { abortSignal });
      return { name, version: lowerCase(properties.version) };
    },
    async getDeleted(name, abortSignal) {
      const { properties } = await client.getDeletedKey(name, { abortSignal });
      const { version, tags = {}, recoveryLevel, scheduledPurgeDate } = properties;
      return {
        version: lowerCase(version),
        tags,
        isPurgeable: isPurgeableBy(recoveryLevel),
        purgedAt: scheduledPurgeDate?.getTime(),
      };
    },
    async delete(name, intervalInMs, abortSignal) {
      const deletion = await client.beginDeleteKey(name, { abortSignal, intervalInMs });
      await deletion.pollUntilDone({ abortSignal });
    },
    async purge(name, abortSignal) {
      await client.purgeDeletedKey(name, { abortSignal });
    },
    async setTags(name, version, tags, abortSignal) {
      await client.updateKeyProperties(name, version, { tags: { ...tags }, abortSignal });
    },
    cryptography(name, version) {
      // From a name alone, the client reads the key first, and refuses what nbf and exp forbid in its own opinion.
      const named = { id: `${vaultUri}keys/${name}/${version}`, name, properties: { vaultUrl: vaultUri, name } };
      return new CryptographyClient(named, credential, options);
    },
  };
}

function versionOf({ version, createdOn, updatedOn, tags, recoveryLevel }: KeyProperties): ObjectVersion {
  const createdAt = createdOn?.getTime() ?? 0;
  return {
    version: lowerCase(version),
    createdAt,
    updatedAt: updatedOn?.getTime() ?? createdAt,
    tags: tags ?? {},
    isPurgeable: isPurgeableBy(recoveryLevel),
  };
}

function lowerCase(version = ""): string {
  return version.toLowerCase();
}

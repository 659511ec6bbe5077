import type { TokenCredential } from "@azure/core-auth";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import type { ClientOptions, ObjectClient } from "./objectKind";
import { type PublicKey, publicKeyOf } from "./publicKey";
import { allOf, deletedOf, isPurgeableBy, lowerCase, valueIn, versionOf } from "./sdkProperties";

/** What can be asked of a key, beside what every object can be asked. */
export interface KeyObjectClient extends ObjectClient {
  getKey(name: string, version: string, signal: AbortSignal): Promise<PublicKey>;
  cryptography(name: string, version: string): CryptographyClient;
}

export function connectKeys(vaultUri: string, credential: TokenCredential, options: ClientOptions): KeyObjectClient {
  const client = new KeyClient(vaultUri, credential, options);
  return {
    listVersions: (name, abortSignal) => allOf(client.listPropertiesOfKeyVersions(name, { abortSignal }), versionOf),
    async getCurrent(name, abortSignal) {
      return publicKeyOf(await client.getKey(name, { abortSignal }));
    },
    async getKey(name, version, abortSignal) {
      return publicKeyOf(await client.getKey(name, { version, abortSignal }));
    },
    async isPurgeable(name, abortSignal) {
      return isPurgeableBy((await client.getKey(name, { abortSignal })).properties.recoveryLevel);
    },
    async backUp(name, abortSignal) {
      let body: string | null | undefined;
      await client.backupKey(name, { abortSignal, onResponse: ({ bodyAsText }) => (body = bodyAsText) });
      return valueIn(body);
    },
    async restore(blob, abortSignal) {
      const { name, properties } = await client.restoreKeyBackup(blob, { abortSignal });
      return { name, version: lowerCase(properties.version) };
    },
    async getDeleted(name, abortSignal) {
      return deletedOf((await client.getDeletedKey(name, { abortSignal })).properties);
    },
    async delete(name, intervalInMs, abortSignal) {
      const deletion = await client.beginDeleteKey(name, { abortSignal, intervalInMs });
      return deletedOf((await deletion.pollUntilDone({ abortSignal })).properties);
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

import { setTimeout } from "node:timers/promises";
import type { TokenCredential } from "@azure/core-auth";
import { SecretClient } from "@azure/keyvault-secrets";
import type { ClientOptions, DeletedObject, ObjectClient } from "./objectKind";
import { allOf, deletedOf, isPurgeableBy, lowerCase, valueIn, versionOf } from "./sdkProperties";

/** What can be asked of a secret, beside what every object can be asked. */
export interface SecretObjectClient extends ObjectClient {
  getValue(name: string, version: string, signal: AbortSignal): Promise<string | undefined>;
}

export function connectSecrets(
  vaultUri: string,
  credential: TokenCredential,
  options: ClientOptions,
): SecretObjectClient {
  const client = new SecretClient(vaultUri, credential, options);
  const list = (name: string, abortSignal: AbortSignal) => client.listPropertiesOfSecretVersions(name, { abortSignal });

  async function getDeleted(name: string, abortSignal: AbortSignal): Promise<DeletedObject | undefined> {
    try {
      return deletedOf((await client.getDeletedSecret(name, { abortSignal })).properties);
    } catch (error) {
      // The service answers 403 if the secret is disabled, or the identity may not read values.
      if ((error as { statusCode?: number }).statusCode !== 403) {
        throw error;
      }
    }
    for await (const deleted of client.listDeletedSecrets({ abortSignal })) {
      if (deleted.name.toLowerCase() === name.toLowerCase()) {
        return deletedOf(deleted.properties);
      }
    }
    return undefined;
  }

  return {
    listVersions: (name, abortSignal) => allOf(list(name, abortSignal), versionOf),
    async getValue(name, version, abortSignal) {
      return (await client.getSecret(name, { version, abortSignal })).value;
    },
    async isPurgeable(name, abortSignal) {
      const levels = await allOf(list(name, abortSignal), ({ recoveryLevel }) => recoveryLevel);
      return isPurgeableBy(levels[0]);
    },
    async backUp(name, abortSignal) {
      let body: string | null | undefined;
      await client.backupSecret(name, { abortSignal, onResponse: ({ bodyAsText }) => (body = bodyAsText) });
      return valueIn(body);
    },
    async restore(blob, abortSignal) {
      const { name, version } = await client.restoreSecretBackup(blob, { abortSignal });
      return { name, version: lowerCase(version) };
    },
    getDeleted,
    async delete(name, intervalInMs, abortSignal) {
      const deletion = await client.beginDeleteSecret(name, { abortSignal, intervalInMs });
      const deleted = deletedOf((await deletion.pollUntilDone({ abortSignal })).properties);
      // The poller takes a look that is refused for the end of the deletion. The list shows the end, if it may be read.
      const isOver = () =>
        getDeleted(name, abortSignal).then(
          (seen) => seen !== undefined,
          () => true,
        );
      while (!(await isOver())) {
        await setTimeout(intervalInMs, undefined, { signal: abortSignal });
      }
      return deleted;
    },
    async purge(name, abortSignal) {
      await client.purgeDeletedSecret(name, { abortSignal });
    },
    async setTags(name, version, tags, abortSignal) {
      await client.updateSecretProperties(name, version, { tags: { ...tags }, abortSignal });
    },
  };
}

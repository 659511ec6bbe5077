import { Refusal } from "./refusal";
import type { VaultConnection } from "./vaultConnection";

/** Deletes the key, so that it is soft-deleted, and waits for that. A key that is not there does no harm. */
export function deleteKey(connection: VaultConnection, keyName: string): Promise<void> {
  return connection.carryOut({ operation: "delete", keyName }, ({ client, signal }) =>
    unlessNotFound(async () => {
      const options = { abortSignal: signal, intervalInMs: connection.waits.transient };
      const deletion = await client.beginDeleteKey(keyName, options);
      await deletion.pollUntilDone({ abortSignal: signal });
    }),
  );
}

/** Purges the soft-deleted key for good, once its deletion is done. A key that is not there does no harm. */
export function purgeKey(connection: VaultConnection, keyName: string): Promise<void> {
  return connection.carryOut({ operation: "purge", keyName }, ({ client, signal }) =>
    unlessNotFound(() => client.purgeDeletedKey(keyName, { abortSignal: signal })),
  );
}

async function unlessNotFound(remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof Refusal && error.isNotFound)) {
      throw error;
    }
  }
}

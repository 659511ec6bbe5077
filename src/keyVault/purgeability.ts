import { isPurgeableBy } from "./readKey";
import { deleteKey, purgeKey } from "./removeKey";
import type { VaultConnection } from "./vaultConnection";

const probeName = "restore-drill-probe";

/**
 * Whether the vault lets a deleted key be purged before its time. Any key in it tells, be it in use or soft-deleted. In a vault
 * without one, a key is created to learn it, and removed at once: as soft-deleted only, where it cannot be purged, so that it
 * tells from then on.
 */
export async function isPurgeable(connection: VaultConnection): Promise<boolean> {
  const told = await toldByKeys(connection);
  if (told !== undefined) {
    return told;
  }
  const isProbePurgeable = await connection.carryOut(
    { operation: "create", keyName: probeName },
    async ({ client, signal }) => {
      const { properties } = await client.createEcKey(probeName, { abortSignal: signal });
      return isPurgeableBy(properties.recoveryLevel) ?? false;
    },
  );
  await deleteKey(connection, probeName);
  if (isProbePurgeable) {
    await purgeKey(connection, probeName);
  }
  return isProbePurgeable;
}

function toldByKeys(connection: VaultConnection): Promise<boolean | undefined> {
  return connection.carryOut({ operation: "read", keyName: undefined }, async ({ client, signal }) => {
    const options = { abortSignal: signal };
    for (const keys of [client.listPropertiesOfKeys(options), client.listDeletedKeys(options)]) {
      for await (const key of keys) {
        const told = isPurgeableBy(("properties" in key ? key.properties : key).recoveryLevel);
        if (told !== undefined) {
          return told;
        }
      }
    }
    return undefined;
  });
}

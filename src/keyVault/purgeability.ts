import { NameNotFree } from "./explainFailure";
import { isManagedHsm } from "./keyReference";
import { isPurgeableBy } from "./readKey";
import { Refusal } from "./refusal";
import { deleteKey, purgeKey } from "./removeKey";
import type { Requests, VaultConnection } from "./vaultConnection";

const probeName = "restore-drill-probe";

/**
 * Whether the vault lets a deleted key be purged before its time. Any key in it tells, be it in use or soft-deleted. In a vault
 * without one, a key is created to learn it, and removed at once: as soft-deleted only, where it cannot be purged, so that it
 * tells from then on.
 */
export async function isPurgeable(connection: VaultConnection): Promise<boolean> {
  const told = await connection.carryOut({ operation: "read", keyName: undefined }, toldByKeys);
  const { isVaultPurgeable, by } =
    told ??
    (await connection.carryOut({ operation: "create", keyName: probeName }, (requests) =>
      toldByProbe(requests, isManagedHsm(connection.vaultUri)),
    ));
  if (by === probeName) {
    await deleteKey(connection, probeName);
    if (isVaultPurgeable) {
      await purgeKey(connection, probeName);
    }
  }
  return isVaultPurgeable;
}

interface Told {
  readonly isVaultPurgeable: boolean;
  /** The key in use that tells; undefined where a soft-deleted one does. */
  readonly by: string | undefined;
}

async function toldByKeys({ client, signal }: Requests): Promise<Told | undefined> {
  const options = { abortSignal: signal };
  for await (const { name, recoveryLevel } of client.listPropertiesOfKeys(options)) {
    const isVaultPurgeable = isPurgeableBy(recoveryLevel);
    if (isVaultPurgeable !== undefined) {
      return { isVaultPurgeable, by: name };
    }
  }
  for await (const { properties } of client.listDeletedKeys(options)) {
    const isVaultPurgeable = isPurgeableBy(properties.recoveryLevel);
    if (isVaultPurgeable !== undefined) {
      return { isVaultPurgeable, by: undefined };
    }
  }
  return undefined;
}

async function toldByProbe(requests: Requests, isHsm: boolean): Promise<Told> {
  const { client, signal } = requests;
  try {
    // A Managed HSM has keys in hardware alone.
    const { properties } = await client.createEcKey(probeName, { hsm: isHsm, abortSignal: signal });
    return { isVaultPurgeable: isPurgeableBy(properties.recoveryLevel) ?? false, by: probeName };
  } catch (error) {
    if (error instanceof Refusal && error.isConflict) {
      // The probe of another process is on its way out, and tells as long as it is seen.
      const told = await toldByKeys(requests);
      if (told === undefined) {
        throw new NameNotFree(error);
      }
      return told;
    }
    throw error;
  }
}

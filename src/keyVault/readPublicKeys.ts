import type { Asked } from "./asked";
import { explainBriefly } from "./explainFailure";
import { type UnreachableKey, unreachable } from "./lookUpKey";
import { type PublicKey, publicKeyOf } from "./publicKey";
import { Refusal } from "./refusal";
import { type Requests, secondsSince, type VaultConnection } from "./vaultConnection";

// A key may have hundreds of versions, and each is read by a request of its own.
const atOnce = 8;

export interface PublicKeys {
  readonly kind: "read";
  /** Those of the versions that are there. */
  readonly keys: readonly PublicKey[];
}

/** Reads the public keys of these versions, without waiting for permissions. */
export async function readPublicKeys(
  connection: VaultConnection,
  keyName: string,
  versions: readonly string[],
): Promise<PublicKeys | UnreachableKey> {
  const asked: Asked = { operation: "get", vaultUri: connection.vaultUri, keyName };
  const startedAt = Date.now();
  try {
    const keys = await connection.once((requests) => getPublicKeys(requests, keyName, versions));
    return { kind: "read", keys };
  } catch (error) {
    return unreachable(error, explainBriefly(asked, error, secondsSince(startedAt)));
  }
}

/** The public keys of those of the versions that are there. */
export async function getPublicKeys(
  requests: Requests,
  keyName: string,
  versions: readonly string[],
): Promise<PublicKey[]> {
  const read: PublicKey[] = [];
  for (let from = 0; from < versions.length; from += atOnce) {
    const some = versions.slice(from, from + atOnce).map((version) => getPublicKey(requests, keyName, version));
    read.push(...(await Promise.all(some)).filter((key) => key !== undefined));
  }
  return read;
}

async function getPublicKey(
  { client, signal }: Requests,
  keyName: string,
  version: string,
): Promise<PublicKey | undefined> {
  try {
    return await publicKeyOf(await client.getKey(keyName, { version, abortSignal: signal }));
  } catch (error) {
    if (error instanceof Refusal && error.isNotFound) {
      return undefined;
    }
    throw error;
  }
}

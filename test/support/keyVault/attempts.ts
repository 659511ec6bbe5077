import type { VaultConnection } from "../../../src/keyVault/connection/vaultConnection";
import { KeyVaultError } from "../../../src/keyVault/failures/keyVaultError";
import { key } from "../../../src/objects/key";
import type { KeyObjectClient } from "../../../src/objects/keyProof";
import type { Attempt } from "../../../src/objects/objectKind";

/** Requests about a key of a vault, each made once. */
export function attemptsOn(connection: VaultConnection, objectName: string): Attempt<KeyObjectClient> {
  return async (name, request) => {
    try {
      const task = { name, kind: key, objectName };
      return {
        value: await connection.once(task, ({ client, signal }) => request(client as KeyObjectClient, signal)),
      };
    } catch (error) {
      const isBadRequest = error instanceof KeyVaultError && error.refusal?.status === 400;
      return { because: error instanceof Error ? error.message : `${error}`, isBadRequest };
    }
  };
}

import type { VaultConnection } from "../../keyVault/connection/vaultConnection";
import { KeyVaultError } from "../../keyVault/failures/keyVaultError";
import type { FailureCode } from "../../keyVault/failures/remedies";
import type { Attempt } from "../../objects/objectKind";

/** What a request about one version says of that version alone. Any other failure would meet the next request too. */
const ofOneVersion: readonly FailureCode[] = ["bad-request", "not-found", "object-use", "service-error"];

/** Requests about an object. What fails for a lasting reason is not asked again. */
export function attemptsOn(connect: () => VaultConnection, name: string, explain: (error: unknown) => string): Attempt {
  const failed = new Map<string, { readonly because: string; readonly isBadRequest: boolean }>();
  return async (kind, operation, request) => {
    const known = failed.get(`${kind.noun} ${operation}`);
    if (known !== undefined) {
      return known;
    }
    try {
      const task = { name: operation, kind, objectName: name };
      return { value: await connect().once(task, ({ client, signal }) => request(client, signal)) };
    } catch (error) {
      const isBadRequest = error instanceof KeyVaultError && error.refusal?.status === 400;
      const failure = { because: explain(error).replace(/\.$/, ""), isBadRequest };
      if (!(error instanceof KeyVaultError && ofOneVersion.includes(error.code))) {
        failed.set(`${kind.noun} ${operation}`, failure);
      }
      return failure;
    }
  };
}

import { type Asked, grantOf } from "./asked";
import { azOptionOf } from "./azOption";
import { isManagedHsm } from "./keyReference";
import type { Refusal } from "./refusal";

/** What to do about a refusal, in a sentence or two. */
export function remedyOf(asked: Asked, refusal: Refusal): string {
  const { status, code, innerCode, explanation = "" } = refusal;
  const { vaultUri, keyName } = asked;
  const vault = azOptionOf(vaultUri);
  const cause = innerCode ?? code;
  if (status === 403 && /associated with a certificate/.test(explanation)) {
    return (
      "The key belongs to a certificate and travels only with it: back up the certificate instead " +
      `(az keyvault certificate backup ${vault} --name ${keyName}).`
    );
  }
  if (status === 403 && cause === "ForbiddenByFirewall") {
    return "Add this machine's address to the vault's firewall (networkAcls.ipRules), or run where the vault lets in.";
  }
  if (status === 403 && cause === "ForbiddenByConnection") {
    return "The vault takes no calls from public networks: run in a network that has the vault's private endpoint.";
  }
  if (status === 403 && /purge protection/.test(explanation)) {
    return "The soft-deleted key stays until the retention period of the vault is over; until then it can be recovered.";
  }
  if (status === 403 && cause !== undefined && ofTheKey.has(cause)) {
    return "The key itself forbids it, by its attributes or by the operations that it is for (key_ops).";
  }
  if (status === 403) {
    return grantOf(asked, cause);
  }
  if (status === 401) {
    return (
      "The token was not accepted: check that the credential belongs to the tenant of the vault (azure-native:tenantId) " +
      "and to its cloud (azure-native:environment)."
    );
  }
  if (status === 404 && keyName === undefined) {
    return "Check that vaultUri names a Key Vault and that no proxy answers instead.";
  }
  if (status === 404) {
    return `Check the name. If the key was deleted, recover it: az keyvault key recover ${vault} --name ${keyName}.`;
  }
  if (status === 409) {
    return conflictRemedy(asked, refusal);
  }
  if (status === 429) {
    return "The vault is throttled still: run again later, or with a lower --parallel.";
  }
  if (status === 408 || status >= 500) {
    return "The service failed, after retries: run again later.";
  }
  if (status < 400) {
    return "Redirects to other hosts are not followed: check vaultUri.";
  }
  if (asked.operation === "restore") {
    return blobRemedy(vaultUri, explanation);
  }
  return asked.operation === "unwrapKey" || asked.operation === "decrypt"
    ? "What it was given was not encrypted for this private key."
    : "Check vaultUri and keyName.";
}

const ofTheKey: ReadonlySet<string> = new Set(["KeyDisabled", "KeyExpired", "KeyNotYetValid", "KeyOperationForbidden"]);

function conflictRemedy({ operation }: Asked, { isInTransition }: Refusal): string {
  if (isInTransition || operation !== "restore") {
    return "Another operation on the key is under way. Run again.";
  }
  return (
    "The name of the key is taken: by a key that is in use, by a soft-deleted one (recover or purge it), or by one that " +
    'was purged a moment ago (run again). To be told which, grant the permission to read keys ("list" and "get").'
  );
}

function blobRemedy(vaultUri: string, explanation: string): string {
  const vault = azOptionOf(vaultUri);
  if (isManagedHsm(vaultUri)) {
    return (
      "A Managed HSM restores only what an HSM of the same security domain has backed up: give such a backup. If this one " +
      "is, the blob is damaged."
    );
  }
  if (/cannot decrypt/i.test(explanation)) {
    return (
      "A backup is restored only in the geography and the Azure subscription in which it was made: give a vault there. If " +
      "this one is, the blob is damaged."
    );
  }
  if (/invalid or corrupt version/i.test(explanation)) {
    return (
      "The blob is not what Key Vault returns for a key: it is damaged, of a Managed HSM, or of a secret " +
      `(az keyvault secret restore ${vault} --file …).`
    );
  }
  return (
    "Check that the blob is the backup of a key, as this kind of vault makes it. That of a certificate, which begins like " +
    `that of a key, is restored by az keyvault certificate restore ${vault} --file ….`
  );
}

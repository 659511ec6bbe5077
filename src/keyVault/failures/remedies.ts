import { permissionFor } from "../../objects/objectKind";
import { azCommand, isManagedHsm } from "../vaultUri";
import type { Operation } from "./operation";
import type { Refusal } from "./refusal";

/** Why an operation failed. The documentation explains each under an anchor of this name. */
export type FailureCode = keyof typeof remedies;

type Remedy = string | ((operation: Operation, refusal: Refusal | undefined) => string);

/** What to do, by the reason of the failure. */
const remedies = {
  "blob-damaged": ({ kind }) =>
    `The blob is damaged, cut short or not the backup of a ${kind.noun}: use the blob as it was returned, or another backup.`,
  "blob-other-geography":
    "A backup can be restored only in the Azure geography and subscription of its source: use a vault there.",
  "blob-other-hsm":
    "A Managed HSM restores only complete backups of an HSM with the same security domain: use such a backup.",
  "bad-request": "Check the inputs of the resource.",
  challenge: "Check the host: it may be impersonating Key Vault.",
  connection: "Check the network between this machine and the vault.",
  credential: "",
  firewall:
    "Add this machine's address to the vault's firewall (networkAcls.ipRules), or run from a network that the firewall allows.",
  forbidden: permissionRemedy,
  "host-not-found":
    "Check the vault's name and the cloud; if the vault was deleted, recover it (az keyvault list-deleted).",
  "keeps-changing": "Run again when no more versions are being added.",
  "object-use": ({ kind: { noun, permissions } }) =>
    permissions.sign === undefined
      ? `The ${noun} is disabled: enable the version.`
      : `The ${noun}'s own attributes or key_ops forbid the operation: enable the version, or correct nbf, exp or key_ops.`,
  "managed-by-certificate": ({ name }) =>
    name === "backup" ? "Back up the certificate that it belongs to." : "Use the certificate that it belongs to.",
  "name-not-free": "Run again in a few minutes.",
  "name-taken": ({ kind: { noun, sharesNamesWith }, vaultUri, objectName }) => {
    const nouns = [noun, ...sharesNamesWith.map((other) => other.noun)].join(" or ");
    const command =
      objectName && sharesNamesWith.length === 0
        ? `; see ${azCommand(noun, "list-versions", vaultUri, objectName)}`
        : "";
    return `A ${nouns} of that name is in use or was deleted${command}.`;
  },
  busy: "Another operation on the object is under way: run again.",
  "not-found": ({ kind, vaultUri, objectName }) =>
    objectName === undefined
      ? "Check that the host is a Key Vault and that no proxy answers instead."
      : `Check the name; if the ${kind.noun} was deleted, recover it: ${azCommand(kind.noun, "recover", vaultUri, objectName)}.`,
  "not-key-vault": "Check that the host is a Key Vault and that no proxy answers instead.",
  "private-endpoint": "Public access to the vault is off: run from a network that reaches its private endpoint.",
  "purge-protection": ({ kind }) =>
    `The soft-deleted ${kind.noun} stays until the vault's retention period ends: recover it, or use another vault.`,
  redirect: "Redirects to other hosts are not followed: check the host.",
  "service-error": "The service failed and retries did not help: run again later.",
  throttled: "The vault is throttled: run again later, with fewer operations at a time.",
  timeout: "Check the network between this machine and the vault (firewall, proxy, private endpoint), and run again.",
  tls: "If a proxy or a private cloud signs the connection, set NODE_EXTRA_CA_CERTS to a PEM file with its authority's certificate.",
  unauthorized: "Check that the credential belongs to the vault's tenant and cloud.",
  "version-not-found": "Check the version in the program.",
} as const satisfies Readonly<Record<string, Remedy>>;

export const failureCodes = Object.keys(remedies) as FailureCode[];

export function remedyOf(code: FailureCode, operation: Operation, refusal: Refusal | undefined): string {
  const remedy: Remedy = remedies[code];
  return typeof remedy === "string" ? remedy : remedy(operation, refusal);
}

interface RefusalRow {
  readonly status: number;
  /** Codes of the service, inner or outer. */
  readonly codes?: RegExp;
  /** The service's own words, where the codes do not tell. */
  readonly words?: RegExp;
  /** The row is only for refused restores. */
  readonly ofRestore?: true;
  readonly code: FailureCode;
}

/** The first row that fits decides. */
const refusals: readonly RefusalRow[] = [
  { status: 403, codes: /ManagedByKeyVault$/, code: "managed-by-certificate" },
  {
    status: 403,
    words: /associated with a certificate|lifetime is managed by Key Vault/,
    code: "managed-by-certificate",
  },
  { status: 403, codes: /^ForbiddenByFirewall$/, code: "firewall" },
  { status: 403, codes: /^ForbiddenByConnection$/, code: "private-endpoint" },
  {
    status: 403,
    codes: /^(KeyDisabled|KeyExpired|KeyNotYetValid|KeyOperationForbidden|SecretDisabled)$/,
    code: "object-use",
  },
  { status: 403, words: /purge protection/i, code: "purge-protection" },
  { status: 403, code: "forbidden" },
  { status: 400, codes: /^MalformedBackupBlob$/, code: "blob-other-hsm" },
  { status: 400, words: /cannot decrypt backup blob/i, code: "blob-other-geography" },
  { status: 400, codes: /^Malformed backup blob$/, code: "blob-damaged" },
  { status: 400, words: /backup blob/i, code: "blob-damaged" },
  { status: 401, code: "unauthorized" },
  { status: 404, codes: /./, code: "not-found" },
  // A proxy's 404 has no code.
  { status: 404, code: "not-key-vault" },
  { status: 408, code: "service-error" },
  { status: 409, codes: /^ObjectIsBeing/, code: "busy" },
  { status: 409, ofRestore: true, code: "name-taken" },
  { status: 409, code: "busy" },
  { status: 429, code: "throttled" },
];

export function refusalCode({ status, code, innerCode, explanation }: Refusal, { name }: Operation): FailureCode {
  const codes = [innerCode, code].filter((one) => one !== undefined);
  const row = refusals.find(
    (one) =>
      one.status === status &&
      (one.ofRestore === undefined || name === "restore") &&
      (one.codes === undefined || codes.some((candidate) => one.codes?.test(candidate))) &&
      (one.words === undefined || one.words.test(explanation)),
  );
  return row?.code ?? (status >= 500 ? "service-error" : status < 400 ? "redirect" : "bad-request");
}

function permissionRemedy({ name, kind, vaultUri }: Operation, refusal: Refusal | undefined): string {
  const { dataAction, role, accessPolicy, hsm } = permissionFor(kind, name);
  if (isManagedHsm(vaultUri) && hsm !== undefined) {
    return `Grant ${hsm.dataAction}, for instance with the role ${hsm.role}.`;
  }
  return refusal?.innerCode === "ForbiddenByPolicy" || refusal?.innerCode === "AccessDenied"
    ? `Grant the ${kind.noun} permission "${accessPolicy}" in an access policy of the vault.`
    : `Grant ${dataAction}, for instance with the role ${role}.`;
}

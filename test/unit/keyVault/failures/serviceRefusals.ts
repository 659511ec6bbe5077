import { createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline";
import { wordsOf } from "../../../../localVault/objectKind";
import * as objectAnswers from "../../../../localVault/objectRefusal";
import type { Answer } from "../../../../localVault/serviceError";
import * as answers from "../../../../localVault/serviceError";
import { type ForbiddenReason, forbidden, unauthorized } from "../../../../localVault/vaultAccess";
import { Refusal } from "../../../../src/keyVault/failures/refusal";
import type { FailureCode } from "../../../../src/keyVault/failures/remedies";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import type { OperationName } from "../../../../src/objects/permissions";
import { secret } from "../../../../src/objects/secret";
import { version } from "../../../support/keyVault/backups";

export const vaultUri = "https://kv-prod.vault.azure.net/";
export const hsmUri = "https://hsm-prod.managedhsm.azure.net/";
export const requestId = "0f8fad5b-d9cb-469f-a165-70867728950e";

export function refusal({ status, headers = {}, body }: Answer, id = requestId): Refusal {
  return new Refusal({
    status,
    headers: createHttpHeaders({ ...headers, "x-ms-request-id": id }),
    bodyAsText: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body),
    request: createPipelineRequest({ url: vaultUri }),
  });
}

export const refused = ({ collection }: ObjectKind, reason: ForbiddenReason, permission = "backup"): Answer =>
  forbidden(reason, {
    vaultName: "kv-prod",
    collection,
    objectName: "orders",
    permission,
    dataAction: `Microsoft.KeyVault/vaults/${collection}/${permission}/action`,
    caller: "appid=1",
  });

/** A Managed HSM ends each message with the request id and gives no inner code. */
export const ofHsm = (status: number, code: string, message: string): Answer =>
  answers.refusal(status, code, `${message} (Activity ID: ${requestId})`);

const isTaken = { kind: "vault", vaultUri } as const;

/** What the service answers to which operation, and the reason that it tells. */
type Row = readonly [string, OperationName, Answer, FailureCode];

/** What the service answers to operations on objects of the kind. */
export function refusalsOf(kind: ObjectKind): readonly Row[] {
  const { collection } = kind;
  const words = wordsOf[collection];
  const uri = `${vaultUri}${collection}/orders/${version("a")}`;
  const [another] = objectKinds.filter((one) => one !== kind);
  return [
    ["an address that the firewall does not allow", "backup", refused(kind, "firewall"), "firewall"],
    [
      "a public address while only a private endpoint is open",
      "backup",
      refused(kind, "privateLink"),
      "private-endpoint",
    ],
    ["a missing role", "backup", refused(kind, "rbac"), "forbidden"],
    ["a missing access policy", "backup", refused(kind, "accessPolicy"), "forbidden"],
    ["a missing access policy, by another code", "backup", refused(kind, "accessDenied"), "forbidden"],
    ["a purge in spite of purge protection", "purge", answers.purgeProtected("kv-prod"), "purge-protection"],
    ["a 403 of which nothing else is known", "get", answers.refusal(403, "Forbidden", "No."), "forbidden"],
    [
      "a blob of another geography",
      "restore",
      objectAnswers.malformedBlob(words, "undecryptable"),
      "blob-other-geography",
    ],
    [
      "a blob of another geography, by the code of 2020",
      "restore",
      answers.badParameter("Cannot decrypt backup blob."),
      "blob-other-geography",
    ],
    ["a corrupt blob", "restore", objectAnswers.malformedBlob(words, "corrupt"), "blob-damaged"],
    ["a blob with a corrupt version", "restore", objectAnswers.malformedBlob(words, "corruptVersion"), "blob-damaged"],
    [`the blob of a ${another?.noun}`, "restore", objectAnswers.malformedBlob(words, "otherKind"), "blob-damaged"],
    ["a corrupt blob, by the code of 2020", "restore", answers.badParameter("Backup blob is corrupt."), "blob-damaged"],
    ["any other bad request", "restore", answers.badParameter("Property  value is invalid"), "bad-request"],
    ["a refused token", "backup", unauthorized("AKV10032: Invalid issuer.", "Bearer"), "unauthorized"],
    ["a missing object", "backup", objectAnswers.objectNotFound(isTaken, words, "orders"), "not-found"],
    ["a proxy's 404", "backup", { status: 404, body: "<html>" }, "not-key-vault"],
    ["a timeout of the service", "backup", answers.plainRefusal(408), "service-error"],
    ["a name that is being deleted", "restore", objectAnswers.nameIsInTransition(words, "orders", "deleted"), "busy"],
    ["a purge while the deletion runs", "purge", objectAnswers.objectIsInTransition(words, "deleted"), "busy"],
    ["a name that is taken", "restore", objectAnswers.restoreConflict(words, uri), "name-taken"],
    ["a name that is soft-deleted", "restore", objectAnswers.objectIsDeleted(words, "orders"), "name-taken"],
    ["another operation under way", "delete", objectAnswers.recoveryConflict(words, uri), "busy"],
    ["too many requests", "backup", answers.throttled(), "throttled"],
    ["an internal error", "backup", answers.plainRefusal(500), "service-error"],
    ["an unavailable service", "backup", answers.plainRefusal(503), "service-error"],
    ["a redirect", "backup", { status: 307, headers: { location: "https://example.com/" } }, "redirect"],
    ...(kind === certificate ? [] : managedRefusals(kind)),
    ...(kind === key ? keyRefusals : []),
    ...(kind === secret ? secretRefusals : []),
  ];
}

const managedRefusals = (kind: ObjectKind): readonly Row[] => {
  const { noun } = kind;
  const words = wordsOf[kind.collection];
  return [
    ["the backup of a certificate's key or secret", "backup", refused(kind, "certificate"), "managed-by-certificate"],
    [
      "the deletion of a certificate's key or secret",
      "delete",
      objectAnswers.objectIsManaged(words, "delete"),
      "managed-by-certificate",
    ],
    [
      "a certificate's key or secret, in words without an inner code",
      "backup",
      answers.refusal(
        403,
        "Forbidden",
        `Operation "backup" is not allowed on this ${noun}, since it is associated with a certificate.`,
      ),
      "managed-by-certificate",
    ],
    [
      "a certificate's key or secret, in the words of 2019 without an inner code",
      "delete",
      answers.refusal(
        403,
        "Forbidden",
        'Operation "delete" is not allowed as this object\'s lifetime is managed by Key Vault.',
      ),
      "managed-by-certificate",
    ],
  ];
};

const keyRefusals: readonly Row[] = [
  [
    "a blob of another HSM",
    "restore",
    ofHsm(
      400,
      "MalformedBackupBlob",
      "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
    ),
    "blob-other-hsm",
  ],
  ["a missing key of an HSM", "backup", ofHsm(404, "KeyNotFound", `Key not found: ${hsmUri}keys/orders`), "not-found"],
  ["a disabled key", "sign", objectAnswers.objectIsDisabled(wordsOf.keys, "sign"), "object-use"],
  ["an expired key", "sign", answers.keyIsNotValidNow("sign", "expired"), "object-use"],
  ["a key that is not valid yet", "sign", answers.keyIsNotValidNow("sign", "notYetValid"), "object-use"],
  ["a use that key_ops do not allow", "sign", answers.keyUseForbidden("sign"), "object-use"],
];

const secretRefusals: readonly Row[] = [
  ["a disabled secret", "get", objectAnswers.objectIsDisabled(wordsOf.secrets, "get"), "object-use"],
];

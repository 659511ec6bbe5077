import { createPrivateKey, X509Certificate } from "node:crypto";
import { answerObjectOperation } from "./answerObjectOperation";
import {
  type CertificateVersion,
  type ImportedCertificate,
  importedVersion,
  type NewCertificate,
} from "./certificateKind";
import { policyBundle } from "./certificatePolicy";
import { addVersion, formOf, nameRefusal, notFound, type ObjectRequest, type ObjectService, ok } from "./objectAnswer";
import { objectUri } from "./objectBundle";
import type { Json } from "./objectKind";
import { issuanceIsPending, pendingIsComplete, pendingNotFound, restoreConflict } from "./objectRefusal";
import { type Answer, invalidProperty } from "./serviceError";
import type { CommonChange } from "./storedObject";

type CertificateService = ObjectService<CertificateVersion, NewCertificate, CommonChange>;

/** What the service answers to an operation on certificates. */
export async function answerCertificateOperation(service: CertificateService, request: ObjectRequest): Promise<Answer> {
  const { store } = service;
  const { operation, objectName } = request;
  switch (operation) {
    case "create":
      return create(service, request);
    case "import":
      return importCertificate(service, request);
    case "getPending": {
      const version = store.arriving(objectName) ?? store.version(objectName);
      return version?.operation ? pending(service, objectName, version) : pendingNotFound(objectName);
    }
    case "cancelPending": {
      if (!store.version(objectName)?.operation && !store.arriving(objectName)) return pendingNotFound(objectName);
      const version = store.arriving(objectName);
      if (version === undefined || request.body.cancellation_requested !== true) return pendingIsComplete();
      store.withdraw(objectName);
      return ok({ ...pendingBody(service, objectName, version), cancellation_requested: true, status: "cancelled" });
    }
    case "deletePending": {
      const version = store.arriving(objectName) ?? store.version(objectName);
      if (!version?.operation) return pendingNotFound(objectName);
      const answer = pending(service, objectName, version);
      store.withdraw(objectName);
      version.operation = undefined;
      return answer;
    }
    case "getPolicy": {
      const version = store.version(objectName);
      if (version === undefined) return notFound(service, request);
      return ok(policyBundle(formOf(service, request), objectName, version.policy));
    }
    default:
      return answerObjectOperation(service, request);
  }
}

/** Issues a certificate after the vault's time for that. An issuer other than Self never issues it. */
async function create(service: CertificateService, request: ObjectRequest): Promise<Answer> {
  const { vault, store, kind } = service;
  const { objectName: name } = request;
  const options = { ...kind.readChange(request.body), policy: (request.body.policy ?? {}) as Json };
  const refused = nameRefusal(service, name, "create") ?? conflict(service, name);
  if (refused) return refused;
  const issuer = (options.policy.issuer as { name?: string } | undefined)?.name ?? "Self";
  const delay = issuer === "Self" ? vault.issuanceMilliseconds : Number.POSITIVE_INFINITY;
  const base = store.newVersion(delay);
  const version = await kind.create({ vaultKind: vault.kind, name, base }, options, store.version(name));
  version.operation = { requestId: base.version };
  store.add(name, version, { after: delay });
  return { ...pending(service, name, version), status: 202, headers: { "retry-after": "10" } };
}

async function importCertificate(service: CertificateService, request: ObjectRequest): Promise<Answer> {
  const { store, kind } = service;
  const { objectName: name, body } = request;
  const imported = parsePem(body.value);
  if (imported === undefined) return invalidProperty("value");
  const refused = conflict(service, name);
  if (refused) return refused;
  const options = { ...kind.readChange(body), policy: (body.policy ?? {}) as Json };
  return addVersion(service, request, () => importedVersion(name, store.newVersion(), imported, options));
}

/** A certificate needs its name for a key and a secret, too. */
function conflict({ vault, store, kind }: CertificateService, name: string): Answer | undefined {
  if (store.arriving(name)) return issuanceIsPending();
  const isTaken =
    !store.isInUse(name) && store.namesakes.some((other) => other.isInUse(name) || other.isJustPurged(name));
  return isTaken ? restoreConflict(kind.words, objectUri(vault, "certificates", name)) : undefined;
}

/** A certificate and its private key. A PKCS#12 is not read here. */
function parsePem(value: unknown): ImportedCertificate | undefined {
  try {
    return { certificate: new X509Certificate(String(value)), privateKey: createPrivateKey(String(value)) };
  } catch {
    return undefined;
  }
}

function pending(service: CertificateService, name: string, version: CertificateVersion): Answer {
  const isInProgress = service.store.arriving(name) !== undefined;
  return { ...ok(pendingBody(service, name, version)), ...(isInProgress ? { headers: { "retry-after": "10" } } : {}) };
}

/** CertificateOperation in Microsoft's specification, without the certificate request, which no client here reads. */
function pendingBody({ vault, store }: CertificateService, name: string, version: CertificateVersion): Json {
  const uri = objectUri(vault, "certificates", name);
  const isInProgress = store.arriving(name) !== undefined;
  return {
    id: `${uri}/pending`,
    issuer: version.policy.issuer,
    cancellation_requested: false,
    status: isInProgress ? "inProgress" : "completed",
    ...(isInProgress ? {} : { target: uri }),
    request_id: version.operation?.requestId,
  };
}

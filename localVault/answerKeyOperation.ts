import { answerObjectOperation } from "./answerObjectOperation";
import type { KeyChange, KeyVersion, NewKey } from "./keyKind";
import type { KeyType } from "./keyMaterial";
import { answerKeyUse } from "./keyUse";
import { addVersion, notFound, type ObjectRequest, type ObjectService } from "./objectAnswer";
import { versionUri } from "./objectBundle";
import { objectIsManaged } from "./objectRefusal";
import { type Answer, invalidProperty } from "./serviceError";

/** What the service answers to an operation on keys. */
export async function answerKeyOperation(
  service: ObjectService<KeyVersion, NewKey, KeyChange>,
  request: ObjectRequest,
): Promise<Answer> {
  const { vault, store, kind } = service;
  const { operation, objectName, body } = request;
  const issue = () => ({ vaultKind: vault.kind, name: objectName, base: store.newVersion() });
  switch (operation) {
    case "create": {
      const kty = String(body.kty);
      if (!/^(RSA|EC)(-HSM)?$/.test(kty)) return invalidProperty("kty");
      const key = { kty: kty as KeyType, ...kind.readChange(body) };
      return addVersion(service, request, () => kind.create(issue(), key));
    }
    case "rotate": {
      const latest = store.version(objectName);
      if (latest === undefined) return notFound(service, request);
      if (store.isManaged(objectName)) return objectIsManaged(kind.words, operation);
      return addVersion(service, request, () => kind.rotate(issue(), latest));
    }
    case "decrypt":
    case "encrypt":
    case "sign":
    case "unwrapKey":
    case "verify":
    case "wrapKey": {
      const version = store.version(objectName, request.version);
      if (version === undefined) return notFound(service, request);
      const kid = versionUri(vault, "keys", objectName, version.version);
      return answerKeyUse({ use: operation, version, validity: store.validityOf(version), kid, body });
    }
    default:
      return answerObjectOperation(service, request);
  }
}

import { answerCertificateOperation } from "./answerCertificateOperation";
import { answerKeyOperation } from "./answerKeyOperation";
import { answerSecretOperation } from "./answerSecretOperation";
import type { CertificateVersion, NewCertificate } from "./certificateKind";
import type { KeyChange, KeyVersion, NewKey } from "./keyKind";
import type { ObjectRequest, ObjectService } from "./objectAnswer";
import type { NewSecret, SecretChange, SecretVersion } from "./secretKind";
import { type Answer, plainRefusal } from "./serviceError";
import type { CommonChange } from "./storedObject";

export interface VaultServices {
  readonly keys: ObjectService<KeyVersion, NewKey, KeyChange>;
  readonly secrets: ObjectService<SecretVersion, NewSecret, SecretChange>;
  readonly certificates: ObjectService<CertificateVersion, NewCertificate, CommonChange>;
}

/** What the service answers to a request that it permits. */
export async function answerOperation(services: VaultServices, request: ObjectRequest): Promise<Answer> {
  switch (request.collection) {
    case "keys":
      return answerKeyOperation(services.keys, request);
    case "secrets":
      return answerSecretOperation(services.secrets, request);
    case "certificates":
      return answerCertificateOperation(services.certificates, request);
    case undefined:
      return plainRefusal(404);
    default:
      return request.collection satisfies never;
  }
}

import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

export interface CertificateOrder {
  readonly privateKey: KeyObject;
  /** A distinguished name, as CN=orders, O=Contoso. */
  readonly subject: string;
  /** In seconds. */
  readonly notBefore: number;
  /** In seconds. */
  readonly expires: number;
}

/** Certifies the key by itself. */
export async function selfSigned(order: CertificateOrder): Promise<X509Certificate> {
  const { privateKey, subject, notBefore, expires } = order;
  const keyPair = {
    privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicKey: createPublicKey(privateKey).export({ format: "pem", type: "spki" }).toString(),
  };
  const { cert } = await generate(attributesOf(subject), {
    keyPair,
    keyType: privateKey.asymmetricKeyType === "rsa" ? "rsa" : "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(notBefore * 1000),
    notAfterDate: new Date(expires * 1000),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
    ],
  });
  return new X509Certificate(cert);
}

function attributesOf(subject: string): { name: string; value: string }[] {
  return subject.split(/,\s*/).map((part) => {
    const [name = "", ...value] = part.split("=");
    return { name, value: value.join("=") };
  });
}

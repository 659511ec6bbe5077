import { randomUUID } from "node:crypto";
import { generate } from "selfsigned";

export interface Certificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const dayInMilliseconds = 86_400_000;

/** Makes a self-signed certificate for the loopback names of this machine. It is valid from yesterday for three days. */
export async function createCertificate(keyType: "ec" | "rsa" = "ec", now = Date.now()): Promise<Certificate> {
  // OpenSSL finds an authority by its name, so two authorities in one process need two names.
  const name = `Local Key Vault ${randomUUID()}`;
  const generated = await generate([{ name: "commonName", value: name }], {
    keyType,
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - dayInMilliseconds),
    notAfterDate: new Date(now + 2 * dayInMilliseconds),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { certificatePem: `${generated.cert}\n`, privateKeyPem: generated.private };
}

import { X509Certificate } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import type { CheckResult } from "../backup/drillEvidence";
import type { CertificateObjectClient, PublicCertificate } from "./certificateClient";
import { key } from "./key";
import { provePrivateKey } from "./keyProof";
import { type Evidence, mapConcurrently, type ObjectKind, type ObjectVersion, type ProofTools } from "./objectKind";
import type { PublicJwk } from "./publicKey";

type CertificateKind = ObjectKind<CertificateObjectClient>;

/** Compares `x5t` of each version with what was recorded with the backup, or else with the source's. */
export async function compareCertificate(kind: CertificateKind, tools: ProofTools): Promise<Evidence> {
  const { name, versions, thumbprints, source } = tools;
  const isRecorded = versions.every(({ version }) => version in thumbprints);
  const listed = isRecorded
    ? undefined
    : await source?.(kind, "list", (client, signal) => client.listVersions(name, signal));
  return new Map(
    versions.map((restored) => [restored.version, { x5t: compareThumbprint(restored, thumbprints, listed) }]),
  );
}

/**
 * Compares each version with its source, compares the certificate's public key with that of its key, and lets the vault use the
 * private key: the result must fit the certificate. Whether the certificate is expired decides nothing.
 */
export async function proveCertificate(kind: CertificateKind, tools: ProofTools): Promise<Evidence> {
  const compared = await compareCertificate(kind, tools);
  const proofs = await mapConcurrently(tools.versions, async ({ version, attributes }) => {
    const expiresAt = typeof attributes.exp === "number" ? { expiresAt: new Date(attributes.exp).toISOString() } : {};
    const keys = await proveKeyOf(kind, version, tools);
    return [version, { ...compared.get(version), ...keys, ...expiresAt }] as const;
  });
  return new Map(proofs);
}

function compareThumbprint(
  { version, thumbprint }: ObjectVersion,
  thumbprints: ProofTools["thumbprints"],
  listed: { readonly value: ObjectVersion[] } | { readonly because: string } | undefined,
): CheckResult {
  if (thumbprint === undefined) {
    return "not run: the version has no x5t";
  }
  const original = listed !== undefined && "value" in listed ? listed.value : [];
  const expected = thumbprints[version] ?? original.find((one) => one.version === version)?.thumbprint;
  if (expected !== undefined) {
    return expected === thumbprint ? "passed" : `failed: x5t is ${thumbprint}, the source's is ${expected}`;
  }
  const because =
    listed === undefined
      ? "its source is unknown"
      : "because" in listed
        ? `the source cannot be read: ${listed.because}`
        : "the source does not have the version";
  return `not run: the backup does not record x5t, and ${because}`;
}

async function proveKeyOf(
  kind: CertificateKind,
  version: string,
  { name, copy, now }: ProofTools,
): Promise<{ readonly publicKey: CheckResult; readonly privateKey: CheckResult }> {
  const both = (result: CheckResult) => ({ publicKey: result, privateKey: result });
  const read = await copy(kind, "get", (client, signal) => client.getCertificate(name, version, signal));
  if ("because" in read) {
    return both(`not run: ${read.because}`);
  }
  const jwk = publicKeyIn(read.value);
  if (jwk === undefined) {
    return both("not run: the certificate cannot be parsed");
  }
  const keyRead = await copy(key, "get", (client, signal) => client.getKey(name, read.value.keyVersion, signal));
  if ("because" in keyRead) {
    return both(`not run: ${keyRead.because}`);
  }
  if ((await calculateJwkThumbprint(jwk)) !== keyRead.value.thumbprint) {
    return both("failed: the certificate and its key have different public keys");
  }
  const privateKey = await provePrivateKey(key, name, keyRead.value, "the certificate's public key", copy, now());
  return { publicKey: "passed", privateKey };
}

function publicKeyIn({ certificate }: PublicCertificate): PublicJwk | undefined {
  try {
    return new X509Certificate(certificate ?? "").publicKey.export({ format: "jwk" }) as PublicJwk;
  } catch {
    return undefined;
  }
}

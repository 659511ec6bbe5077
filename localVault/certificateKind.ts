import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import {
  type CertificatePolicy,
  keyOperationsBy,
  type PolicyOptions,
  policyBundle,
  policyOf,
} from "./certificatePolicy";
import type { KeyVersion } from "./keyKind";
import { exportPrivateKey, generatePrivateKey, importPrivateKey } from "./keyMaterial";
import { commonAttributes, commonChange, ownAttributes, tagsMember, uriOf } from "./objectBundle";
import { type ObjectKind, wordsOf } from "./objectKind";
import type { SecretVersion } from "./secretKind";
import { selfSigned } from "./selfSigned";
import type { CommonChange, StoredVersion } from "./storedObject";

export interface CertificateVersion extends StoredVersion {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  readonly policy: CertificatePolicy;
  /** The request whose operation issued the version. No backup holds it. */
  operation?: { readonly requestId: string } | undefined;
}

export type NewCertificate = CommonChange & PolicyOptions;

export interface ImportedCertificate {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
}

const secondsOf = (time: string): number => Math.floor(Date.parse(time) / 1000);

export const certificateKind: ObjectKind<CertificateVersion, NewCertificate, CommonChange> = {
  words: wordsOf.certificates,
  async create({ name, base }, { enabled = true, tags = {}, notBefore, expires, ...options }, latest) {
    const policy = policyOf(name, options, base.created, latest?.policy);
    const isKeyKept = policy.key_props.reuse_key && latest?.policy.key_props.kty === policy.key_props.kty;
    const privateKey = isKeyKept ? latest.privateKey : await generatePrivateKey(policy.key_props.kty);
    const { subject, validity_months } = policy.x509_props;
    const validity = {
      // The service certifies from ten minutes ago on.
      notBefore: notBefore ?? base.created - 600,
      expires: expires ?? monthsAfter(base.created, validity_months),
    };
    const certificate = await selfSigned({ privateKey, subject, ...validity });
    return { ...base, enabled, tags, ...validity, certificate, privateKey, policy };
  },
  rotate(issue, latest) {
    return this.create(issue, { tags: { ...latest.tags } }, latest);
  },
  // CertificateBundle in Microsoft's specification.
  bundle(form, { name, versions }, version) {
    const { policy, operation } = versions.at(-1) as CertificateVersion;
    const { raw } = version.certificate;
    return {
      id: uriOf(form, "certificates", name, version),
      kid: uriOf(form, "keys", name, version),
      sid: uriOf(form, "secrets", name, version),
      x5t: thumbprintOf(version),
      cer: raw.toString("base64"),
      attributes: commonAttributes(form, version),
      ...tagsMember(version),
      policy: policyBundle(form, name, policy),
      ...(operation ? { pending: { id: `${uriOf(form, "certificates", name)}/pending` } } : {}),
    };
  },
  // CertificateItem in Microsoft's specification.
  item(form, { name, versions }, version) {
    const shown = version ?? (versions.at(-1) as CertificateVersion);
    return {
      id: uriOf(form, "certificates", name, version),
      x5t: thumbprintOf(shown),
      attributes: ownAttributes(shown),
      ...tagsMember(shown),
      subject: "",
    };
  },
  readChange(body) {
    const { enabled, tags } = commonChange(body);
    return { ...(enabled === undefined ? {} : { enabled }), ...(tags === undefined ? {} : { tags }) };
  },
  exportVersion({ certificate, privateKey, operation: _, ...version }) {
    return { ...version, privateKey: exportPrivateKey(privateKey), cer: certificate.raw.toString("base64") };
  },
  importVersion({ privateKey, cer, ...version }) {
    const certificate = new X509Certificate(Buffer.from(cer as string, "base64"));
    return { ...version, certificate, privateKey: importPrivateKey(privateKey as string) } as CertificateVersion;
  },
};

/** A version of an imported certificate. */
export function importedVersion(
  name: string,
  base: StoredVersion,
  { certificate, privateKey }: ImportedCertificate,
  { enabled = true, tags = {}, ...options }: NewCertificate,
): CertificateVersion {
  const kty = privateKey.asymmetricKeyType === "rsa" ? "RSA" : "EC";
  const x509_props = {
    subject: certificate.subject.split("\n").reverse().join(", "),
    ekus: [],
    key_usage: [],
    basic_constraints: { ca: certificate.ca },
    ...(options.policy?.x509_props as object | undefined),
  };
  return {
    ...base,
    enabled,
    tags,
    notBefore: secondsOf(certificate.validFrom),
    expires: secondsOf(certificate.validTo),
    certificate,
    privateKey,
    policy: policyOf(name, { ...options, kty, policy: { ...options.policy, x509_props } }, base.created),
  };
}

/** The key of a certificate. What changes in the certificate changes here. */
export function managedKey(certificate: CertificateVersion): KeyVersion {
  const { policy, privateKey } = certificate;
  const keyOperations = keyOperationsBy(policy);
  return Object.defineProperties(
    { privateKey, keyType: policy.key_props.kty, ...(keyOperations ? { keyOperations } : {}) },
    followed(certificate),
  ) as KeyVersion;
}

/** The secret of a certificate, in PEM whatever the policy asks for. */
export function managedSecret(certificate: CertificateVersion): SecretVersion {
  const { policy, privateKey } = certificate;
  const key = policy.key_props.exportable ? privateKey.export({ format: "pem", type: "pkcs8" }) : "";
  return Object.defineProperties(
    { value: `${key}${certificate.certificate.toString()}`, contentType: "application/x-pem-file" },
    followed(certificate),
  ) as SecretVersion;
}

function followed(certificate: CertificateVersion): PropertyDescriptorMap {
  const members = ["version", "created", "updated", "enabled", "notBefore", "expires", "tags"] as const;
  return Object.fromEntries(members.map((member) => [member, { get: () => certificate[member], enumerable: true }]));
}

/** SHA-1 of the certificate, as the service names it. */
const thumbprintOf = ({ certificate }: CertificateVersion): string =>
  createHash("sha1").update(certificate.raw).digest("base64url");

function monthsAfter(seconds: number, months: number): number {
  const date = new Date(seconds * 1000);
  date.setUTCMonth(date.getUTCMonth() + months);
  return Math.floor(date.getTime() / 1000);
}

import type { CertificateObjectClient } from "./certificateClient";
import { compareCertificate, proveCertificate } from "./certificateProof";
import { key } from "./key";
import type { ObjectKind } from "./objectKind";
import { certificatePermissions } from "./permissions";
import { secret } from "./secret";

/** A certificate, with all its versions, their keys and their secrets. */
export const certificate: ObjectKind<CertificateObjectClient> = {
  noun: "certificate",
  collection: "certificates",
  properties: { name: "certificateName", uri: "certificateUri", uriWithVersion: "certificateUriWithVersion" },
  blobOrigins: ["vaultKeyOrCertificate"],
  sharesNamesWith: [key, secret],
  permissions: certificatePermissions,
  hasThumbprints: true,
  connect: (...vault) =>
    (require("./certificateClient") as typeof import("./certificateClient")).connectCertificates(...vault),
  checks: ["x5t", "publicKey", "privateKey"],
  compare: (tools) => compareCertificate(certificate, tools),
  prove: (tools) => proveCertificate(certificate, tools),
};

import type { ObjectKind } from "./objectKind";
import { secretPermissions } from "./permissions";
import type { SecretObjectClient } from "./secretClient";
import { compareSecret } from "./secretProof";

/** A secret, with all its versions. */
export const secret: ObjectKind<SecretObjectClient> = {
  noun: "secret",
  collection: "secrets",
  properties: { name: "secretName", uri: "secretUri", uriWithVersion: "secretUriWithVersion" },
  blobOrigins: ["vaultSecret"],
  sharesNamesWith: [],
  permissions: secretPermissions,
  hasThumbprints: false,
  connect: (...vault) => (require("./secretClient") as typeof import("./secretClient")).connectSecrets(...vault),
  checks: ["attributes", "value"],
  compare: (tools) => compareSecret(secret, tools),
  prove: (tools) => compareSecret(secret, tools),
};

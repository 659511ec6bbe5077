import type { KeyObjectClient } from "./keyClient";
import { compareKey, proveKey } from "./keyProof";
import type { ObjectKind } from "./objectKind";
import { keyPermissions } from "./permissions";

/** A key, with all its versions. */
export const key: ObjectKind<KeyObjectClient> = {
  noun: "key",
  collection: "keys",
  properties: { name: "keyName", uri: "keyUri", uriWithVersion: "keyUriWithVersion" },
  blobOrigins: ["vaultKeyOrCertificate", "managedHsm"],
  sharesNamesWith: [],
  permissions: keyPermissions,
  hasThumbprints: true,
  connect: (...vault) => (require("./keyClient") as typeof import("./keyClient")).connectKeys(...vault),
  checks: ["publicKey", "privateKey"],
  compare: (tools) => compareKey(key, tools),
  prove: (tools) => proveKey(key, tools),
};

import type { LocalVault } from "../../../../localVault/localVault";
import type { ObjectKind } from "../../../../src/objects/objectKind";

/** What a version of the object "orders" is worth: a public key, a value, or a certificate. */
export function contentOf(vault: LocalVault, { collection }: ObjectKind, version?: string): unknown {
  switch (collection) {
    case "keys":
      return vault.keys.publicJwk("orders", version);
    case "secrets":
      return vault.secrets.value("orders", version);
    case "certificates":
      return vault.certificates.x509("orders", version).toString();
    default:
      return collection satisfies never;
  }
}

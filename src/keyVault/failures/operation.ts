import { type ObjectKind, permissionFor } from "../../objects/objectKind";
import type { OperationName } from "../../objects/permissions";

/** What was to be done to which object. */
export interface Operation {
  readonly name: OperationName;
  readonly kind: ObjectKind;
  readonly vaultUri: string;
  /** Undefined if only the blob tells the name. */
  readonly objectName: string | undefined;
}

/** The operation as a verb with its object: `back up key "orders" in kv-prod.vault.azure.net`. */
export function describeOperation({ name, kind, vaultUri, objectName }: Operation): string {
  const object = objectName === undefined ? `a ${kind.noun}` : `${kind.noun} "${objectName}"`;
  return `${permissionFor(kind, name).verb} ${object} ${name === "restore" ? "into" : "in"} ${new URL(vaultUri).host}`;
}

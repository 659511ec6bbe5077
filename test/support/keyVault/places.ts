import type { VaultKind } from "../../../localVault/vaultOptions";
import { isInHsm, type ObjectKind } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";

/** A kind of object in a kind of vault that holds it. */
export interface Place {
  readonly kind: ObjectKind;
  readonly noun: ObjectKind["noun"];
  readonly vaultKind: VaultKind;
}

export const places: readonly Place[] = objectKinds.flatMap((kind) =>
  (["vault", "managedHsm"] as const)
    .filter((vaultKind) => vaultKind === "vault" || isInHsm(kind))
    .map((vaultKind) => ({ kind, noun: kind.noun, vaultKind })),
);

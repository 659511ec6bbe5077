import { versionsText } from "../backup/history";
import type { Likeness } from "../backup/likeness";
import { azOptionOf } from "../keyVault/azOption";

function wayOut(own: readonly string[], remove: string): string {
  return own.length === 0
    ? `Restore into another vault; or remove that copy first (${remove}), and run again.`
    : `It has ${versionsText(own)} too, which the backup does not hold and which would be lost with that copy. Restore into ` +
        "another vault, or back that copy up before you remove it.";
}

/** Why a key is not restored where its name is taken, and the ways out. Nothing was changed. */
export function explainTakenName(
  vaultUri: string,
  keyName: string,
  holder: Exclude<Likeness, { kind: "same" }> | { readonly kind: "softDeleted" } | { readonly kind: "drill" },
): Error {
  const { host } = new URL(vaultUri);
  const on = `${azOptionOf(vaultUri)} --name ${keyName}`;
  const remove = `az keyvault key delete ${on}, then az keyvault key purge ${on}`;
  const refused = `Key "${keyName}" is not restored into ${host}, and nothing was changed there:`;
  switch (holder.kind) {
    case "softDeleted":
      return new Error(
        `${refused} a soft-deleted key has its name. Recover that key: az keyvault key recover ${on}. Or, if it is not ` +
          `needed any more, purge it for good: az keyvault key purge ${on}. Then run again.`,
      );
    case "drill":
      return new Error(
        `${refused} the copy of a restore drill has its name, and will be removed. Run again later; better, give drills a ` +
          "vault of their own.",
      );
    case "older":
      return new Error(
        `${refused} an older copy of the key is there, which lacks ${versionsText(holder.lacks)} of the backup, and no ` +
          `version can be added to a key. ${wayOut(holder.own, remove)}`,
      );
    case "other":
      return new Error(
        `${refused} another key has its name; ${holder.because}. Restore into another vault; or, if that key is not needed ` +
          `any more, remove it (${remove}), and run again.`,
      );
    case "unknown":
      return new Error(
        `${refused} a key has its name, and whether it is the one in the blob is not known, because the backup does not say ` +
          "which versions it holds. Give backup.keyVersions, or a KeyBackup that may read its key; or restore into another vault.",
      );
    default:
      return holder satisfies never;
  }
}

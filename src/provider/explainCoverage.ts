import { besideTheBackup, type Coverage } from "../backup/coverage";

/** What the user is told of the comparison, in a preview and in an update; undefined where there is nothing to tell. */
export function explainCoverage(coverage: Coverage): string | undefined {
  switch (coverage.kind) {
    case "covered":
      return undefined;
    case "overdue":
      return (
        `no new backup is made, because the key was not there at the last refresh; ${coverage.because}. ` +
        "Where it is back: pulumi up --refresh."
      );
    case "amend":
      return `updated without a new backup, because ${coverage.because}.`;
    case "renew":
      return `a new backup will be made, because ${coverage.because}.`;
    case "unknown":
      return `${mayBecome(coverage.names)}: ${coverage.names.join(" and ")} will be known during the update.`;
    case "otherKey":
      return `replaced by a backup of another key, because ${coverage.properties.join(" and ")} changed.`;
    default:
      return coverage satisfies never;
  }
}

const namesOfTheKey = ["keyUri", "vaultUri", "keyName"];

// `check` completes only what is known: with the key's URI or its parts unknown, it may be another key.
function mayBecome(unknown: readonly string[]): string {
  if (unknown.some((name) => namesOfTheKey.includes(name))) {
    return "a new backup may be made, or one of another key that takes the place of this one";
  }
  return unknown.every((name) => besideTheBackup.includes(name))
    ? "updated without a new backup"
    : "a new backup may be made";
}

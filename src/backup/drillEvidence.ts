import { versionsNotIn } from "./versions";

/** The result of one check: `passed`, or why it failed or could not be run. */
export type CheckResult = "passed" | `failed: ${string}` | `not run: ${string}`;

/** What a drill checked of one version: its id, and what proves an object of its kind. */
export interface DrillCheck {
  readonly version: string;
  readonly versionId: CheckResult;
  /** Checks of the kind by name, such as `publicKey`, and facts beside them, such as `expiresAt`. */
  readonly [check: string]: CheckResult | string;
}

/** `verified`: every check passed; `partly`: none failed, some could not be run; `failed`: one failed, or nothing was restored. */
export type DrillOutcome = "verified" | "partly" | "failed";

/** Whether each version that the backup should hold was restored, and nothing else. */
export function checkVersionIds(
  expected: readonly string[],
  restored: readonly string[],
): { readonly version: string; readonly versionId: CheckResult }[] {
  const absent = versionsNotIn(restored, expected);
  return [...restored, ...absent].map((version) => {
    if (absent.includes(version)) {
      return { version, versionId: "failed: the restored object does not have it" };
    }
    return versionsNotIn(expected, [version]).length === 0
      ? { version, versionId: "passed" }
      : { version, versionId: "not run: the backup does not say whether it holds this version" };
  });
}

/** Checks of a version about which nothing could be learned. */
export function notRun(version: string, checks: readonly string[], because: string): DrillCheck {
  const result = `not run: ${because}` as const;
  return { version, versionId: result, ...Object.fromEntries(checks.map((check) => [check, result])) };
}

/** What contradicts the source, in one clause for each version and check. */
export function failuresIn(evidence: ReadonlyMap<string, Readonly<Record<string, string>>>): string[] {
  return [...evidence].flatMap(([version, results]) =>
    Object.entries(results)
      .filter(([, result]) => result.startsWith("failed: "))
      .map(([check, result]) => `version ${version}, ${check}: ${result.replace("failed: ", "")}`),
  );
}

export function outcomeOf(checks: readonly DrillCheck[]): DrillOutcome {
  const results = checks.flatMap(resultsOf).map(([, result]) => result);
  if (results.length === 0 || results.some((result) => result.startsWith("failed: "))) {
    return "failed";
  }
  return results.every((result) => result === "passed") ? "verified" : "partly";
}

// An object may have hundreds of versions.
const describedVersions = 2;

/** What did not pass, in one clause for each version, failures first. */
export function describeChecks(checks: readonly DrillCheck[]): string {
  const unproved = checks.filter((check) => outcomeOf([check]) !== "verified");
  const failed = unproved.filter((check) => outcomeOf([check]) === "failed");
  const sorted = [...failed, ...unproved.filter((check) => !failed.includes(check))];
  const clauses = sorted.slice(0, describedVersions).map((check) => {
    const results = resultsOf(check).filter(([, result]) => result !== "passed");
    return `version ${check.version}: ${results.map(([name, result]) => `${name} ${result}`).join(", ")}`;
  });
  const more = sorted.length - describedVersions;
  return [...clauses, ...(more > 0 ? [`${more} more in checks`] : [])].join("; ");
}

function resultsOf({ version: _, ...members }: DrillCheck): [string, string][] {
  return Object.entries(members).filter(([, member]) => /^(passed$|failed: |not run: )/.test(member));
}

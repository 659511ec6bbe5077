import { lacking } from "./history";

/** What came of one check: `passed`, or why it failed or was not run. */
export type CheckResult = "passed" | `failed: ${string}` | `not run: ${string}`;

/** What was checked of one version of a restored key. */
export interface DrillCheck {
  readonly version: string;
  /** Whether the restored key has the version, as the backup says. */
  readonly versionId: CheckResult;
  /** Whether its public key is that of the source. */
  readonly publicKey: CheckResult;
  /** Whether its private key does what belongs to the source's public key. */
  readonly privateKey: CheckResult;
}

/** `verified`: every check passed; `partly`: none failed, some were not run; `failed`: one failed, or nothing was restored. */
export type DrillOutcome = "verified" | "partly" | "failed";

/** A public key by its RFC 7638 thumbprint, or why there is none to compare. */
export type Thumbprint = { readonly thumbprint: string } | { readonly because: string };

/** What there is to compare. */
export interface DrillEvidence {
  /** The versions that the backup is known to hold, newest first; none where they are not known. */
  readonly expected: readonly string[];
  /** The versions of the restored key, newest first; among them all those of the expected ones that it has. */
  readonly restored: readonly string[];
  /** Whether these are all versions of it. */
  readonly isComplete: boolean;
  readonly sourceThumbprint: (version: string) => Thumbprint;
  readonly restoredThumbprint: (version: string) => Thumbprint;
}

/** Compares the versions and the public keys of a restored key with those of its source. The private keys are still to be proved. */
export function compareRestored(evidence: DrillEvidence): DrillCheck[] {
  const { expected, restored, isComplete } = evidence;
  const absent = new Set(lacking(expected, restored));
  const versions = [...restored, ...absent];
  return versions.map((version) => {
    if (absent.has(version)) {
      const because = "the restored key has no such version";
      return { ...notRun(version, because), versionId: `failed: ${because}` };
    }
    const publicKey = comparePublicKeys(evidence.sourceThumbprint(version), evidence.restoredThumbprint(version));
    return {
      version,
      versionId: checkVersionId(version, expected, isComplete),
      publicKey,
      privateKey:
        publicKey === "passed"
          ? "not run: it was not tried"
          : "not run: the source's public key, by which to verify, is not known to be that of the restored key",
    };
  });
}

/** The checks of a version of which nothing was learnt. */
export function notRun(version: string, because: string): DrillCheck {
  const result = `not run: ${because}` as const;
  return { version, versionId: result, publicKey: result, privateKey: result };
}

export function outcomeOf(checks: readonly DrillCheck[]): DrillOutcome {
  const results = checks.flatMap(({ versionId, publicKey, privateKey }) => [versionId, publicKey, privateKey]);
  if (results.length === 0 || results.some((result) => result.startsWith("failed: "))) {
    return "failed";
  }
  return results.every((result) => result === "passed") ? "verified" : "partly";
}

function checkVersionId(version: string, expected: readonly string[], isComplete: boolean): CheckResult {
  if (lacking([version], expected).length > 0) {
    return "not run: the backup does not say whether it holds it";
  }
  return isComplete
    ? "passed"
    : "not run: the versions of the restored key may not be listed, so that it may have others";
}

function comparePublicKeys(source: Thumbprint, restored: Thumbprint): CheckResult {
  if ("because" in restored) {
    return `not run: ${restored.because}`;
  }
  if ("because" in source) {
    return `not run: ${source.because}`;
  }
  return source.thumbprint === restored.thumbprint
    ? "passed"
    : `failed: its thumbprint is ${restored.thumbprint}, and the source's ${source.thumbprint}`;
}

// A key may have hundreds of versions.
const fewVersions = 5;

/** The checks in a sentence for each version, those that failed first. */
export function checksText(checks: readonly DrillCheck[]): string {
  const failed = (check: DrillCheck) => outcomeOf([check]) === "failed";
  const sorted = [...checks.filter(failed), ...checks.filter((check) => !failed(check))];
  const more = sorted.length - fewVersions;
  const sentences = sorted.slice(0, fewVersions).map(({ version, versionId, publicKey, privateKey }) => {
    const results = `version id ${versionId}; public key ${publicKey}; private key ${privateKey}`;
    return `Version ${version}: ${results.replace(/\.$/, "")}.`;
  });
  return [...sentences, ...(more > 0 ? [`And ${more} more version${more === 1 ? "" : "s"}.`] : [])].join(" ");
}

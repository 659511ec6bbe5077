const VERSION = /^\s*(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?([-+a-z][^\s]*)?/;

function numbers(version: string): readonly [number, number, number] | undefined {
  const match = VERSION.exec(version);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

// A pre-release is older than its release: 3.240.0-alpha.1 < 3.240.0, and Go writes go1.26rc1.
function isPrerelease(version: string): boolean {
  const suffix = VERSION.exec(version)?.[4];
  return suffix !== undefined && !suffix.startsWith("+");
}

/** Whether a version, as printed by `pulumi version` or `go env GOVERSION`, is the given release or newer. */
export function isAtLeast(version: string, minimum: string): boolean {
  const found = numbers(version);
  const wanted = numbers(minimum);
  if (found === undefined || wanted === undefined) {
    return false;
  }
  const [major, minor, patch] = [found[0] - wanted[0], found[1] - wanted[1], found[2] - wanted[2]];
  const difference = major || minor || patch;
  return difference > 0 || (difference === 0 && !isPrerelease(version));
}

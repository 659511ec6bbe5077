// With which every blob begins, before it is encoded.
const versionStrings = ["&AzureKeyVaultKeyBackupV1", ")AzureKeyVaultSecretBackupV1"];
const blobBegins = versionStrings.map((text) => Buffer.from(text).toString("base64url").slice(0, -2));

// With which the values of the local vault's secrets begin.
const valueBegins = "secret-value-";

/**
 * What a text tells that it must not: the beginning of any blob or of any secret's value, encoded or decoded, and any part of
 * the given secrets. Returns names, never the secrets, so that a failed test does not print them either.
 */
export function leaksIn(text: string, secrets: Readonly<Record<string, string | readonly string[]>> = {}): string[] {
  const has = (part: string) => text.includes(part);
  const leaks = [
    ...(blobBegins.some(has) ? ["the beginning of a blob"] : []),
    ...(versionStrings.some((begin) => has(begin.slice(1))) ? ["the beginning of a decoded blob"] : []),
    ...(encodingsOf(valueBegins).some(has) ? ["a secret's value"] : []),
  ];
  for (const [name, values] of Object.entries(secrets)) {
    if ([values].flat().some((secret) => partsOf(secret).some(has))) {
      leaks.push(name);
    }
  }
  return leaks;
}

/** A text as it stands, and the characters of its base64 that do not depend on what is before or behind the text. */
function encodingsOf(text: string): string[] {
  const shifted = [0, 1, 2].map((before) => {
    const whole = Math.floor((before + text.length) / 3) * 4;
    return Buffer.from(" ".repeat(before) + text)
      .toString("base64")
      .slice(Math.ceil((before * 4) / 3), whole);
  });
  return [text, ...shifted];
}

// Of a long secret any stretch of 48 characters counts, as a line break may cut it.
function partsOf(secret: string): string[] {
  const length = 48;
  if (secret.length <= 2 * length) {
    return [secret];
  }
  return Array.from({ length: Math.floor(secret.length / length) }, (_, part) =>
    secret.slice(part * length, (part + 1) * length),
  );
}

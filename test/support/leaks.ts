// "&AzureKeyVaultKeyBackupV1.microsoft.com", with which every blob begins.
const blobBegins = Buffer.from("&AzureKeyVaultKeyBackupV1.microsoft.com").toString("base64url").slice(0, 40);

/**
 * What a text tells that it must not: the beginning of any blob, encoded or decoded, and any part of the given secrets.
 * Returns names, never the secrets, so that a failed test does not print them either.
 */
export function leaksIn(text: string, secrets: Readonly<Record<string, string | readonly string[]>>): string[] {
  const leaks = [
    ...(text.includes(blobBegins) ? ["the beginning of a blob"] : []),
    ...(text.includes("AzureKeyVaultKeyBackupV1") ? ["the beginning of a decoded blob"] : []),
  ];
  for (const [name, values] of Object.entries(secrets)) {
    if ([values].flat().some((secret) => partsOf(secret).some((part) => text.includes(part)))) {
      leaks.push(name);
    }
  }
  return leaks;
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

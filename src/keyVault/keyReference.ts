import { isLoopback } from "./isLoopback";
import { parseUrl } from "./parseUrl";

/** A key, as its URI names it. */
export interface KeyReference {
  /** Canonical URI of the vault or Managed HSM: lower-case host, one slash at the end. */
  readonly vaultUri: string;
  readonly keyName: string;
  /** The version that the URI names; absent where it names none. */
  readonly keyVersion?: string;
}

/** What a text says, or every mistake in it; a mistake is a predicate ("has a query") and never repeats the text. */
export type Parsed<T> = { readonly value: T } | { readonly mistakes: readonly string[] };

// Names of keys: 1 to 127 characters of the alphabet that the service's specification allows.
const keyNamePattern = /^[0-9a-zA-Z-]{1,127}$/;
// The service makes versions of 32 hexadecimal digits; emulators are less strict.
const keyVersionPattern = /^[0-9a-zA-Z]{1,127}$/;

/** Parses `https://{vault}/keys/{name}` and `https://{vault}/keys/{name}/{version}`, of a vault or a Managed HSM. */
export function parseKeyUri(text: string): Parsed<KeyReference> {
  const url = parseUrl(text);
  if (url === undefined) {
    return { mistakes: ["is not an absolute URI like https://my-vault.vault.azure.net/keys/my-key"] };
  }
  const mistakes = hostMistakes(url);
  const [collection, keyName, keyVersion, ...rest] = segments(url);
  if (collection !== "keys") {
    mistakes.push(
      collection === "secrets" || collection === "certificates"
        ? `names a ${collection.slice(0, -1)}, not a key: its path begins with /${collection}, that of a key with /keys`
        : "is not the URI of a key: its path must be /keys/{name} or /keys/{name}/{version}",
    );
  } else if (keyName === undefined || rest.length > 0) {
    mistakes.push("is not the URI of a key: its path must be /keys/{name} or /keys/{name}/{version}");
  } else {
    mistakes.push(...keyNameMistakes(keyName).map((mistake) => `names a key whose name ${mistake}`));
    if (keyVersion !== undefined && !keyVersionPattern.test(keyVersion)) {
      mistakes.push("names a version that is not made of letters and digits");
    }
  }
  if (mistakes.length > 0 || keyName === undefined) {
    return { mistakes };
  }
  return { value: { vaultUri: canonicalVaultUri(url), keyName, ...(keyVersion === undefined ? {} : { keyVersion }) } };
}

/** Parses `https://{vault}`, with or without the slash that azure-native puts at its end, into its canonical form. */
export function parseVaultUri(text: string): Parsed<string> {
  const url = parseUrl(text);
  if (url === undefined) {
    return { mistakes: ["is not an absolute URI like https://my-vault.vault.azure.net/"] };
  }
  const mistakes = hostMistakes(url);
  if (segments(url).length > 0) {
    mistakes.push("has a path: give the URI of the vault alone");
  }
  return mistakes.length > 0 ? { mistakes } : { value: canonicalVaultUri(url) };
}

/** What is wrong with the name of a key; nothing where it is one. */
export function keyNameMistakes(keyName: string): readonly string[] {
  return keyNamePattern.test(keyName) ? [] : ["is not 1 to 127 letters, digits and hyphens"];
}

/** The key's URI without a version. */
export function keyUriOf(key: Pick<KeyReference, "vaultUri" | "keyName">): string {
  return `${key.vaultUri}keys/${key.keyName}`;
}

/** The URI of one version of the key. */
export function keyVersionUriOf(key: Pick<KeyReference, "vaultUri" | "keyName">, keyVersion: string): string {
  return `${keyUriOf(key)}/${keyVersion}`;
}

/** Whether the vault's name is the one that only its private endpoint answers to. */
export function isPrivateLinkName(vaultUri: string): boolean {
  return new URL(vaultUri).hostname.includes(".privatelink.");
}

/** Whether it is a Managed HSM, by its domain. */
export function isManagedHsm(vaultUri: string): boolean {
  return new URL(vaultUri).hostname.includes(".managedhsm.");
}

function hostMistakes(url: URL): string[] {
  const mistakes: string[] = [];
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    mistakes.push("does not use https");
  }
  if (url.username !== "" || url.password !== "") {
    mistakes.push("has a user name or a password in it");
  }
  if (url.search !== "") {
    mistakes.push("has a query");
  }
  if (url.hash !== "") {
    mistakes.push("has a fragment");
  }
  return mistakes;
}

function segments(url: URL): string[] {
  return url.pathname.split("/").filter((segment) => segment !== "");
}

function canonicalVaultUri(url: URL): string {
  return `${url.protocol}//${url.host}/`;
}

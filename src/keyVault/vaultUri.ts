import { isInHsm, type ObjectKind } from "../objects/objectKind";
import { objectKinds } from "../objects/objectKinds";

/** An object, as its URI names it. */
export interface ObjectReference {
  /** Lower-case host, one slash at the end. */
  readonly vaultUri: string;
  readonly name: string;
  /** Undefined if the URI names no version. */
  readonly version: string | undefined;
}

/** What a text says, or every mistake in it: a predicate ("has a query") that never repeats the text. */
export type Parsed<T> = { readonly value: T } | { readonly mistakes: readonly string[] };

const namePattern = /^[0-9a-zA-Z-]{1,127}$/;
// The service makes versions of 32 hexadecimal digits; emulators are less strict.
const versionPattern = /^[0-9a-zA-Z]{1,127}$/;

/** Parses `https://{vault}/{collection}/{name}` and `https://{vault}/{collection}/{name}/{version}`. */
export function parseObjectUri(kind: ObjectKind, text: string): Parsed<ObjectReference> {
  const { noun, collection } = kind;
  if (!URL.canParse(text)) {
    return { mistakes: [`is not an absolute URI like https://my-vault.vault.azure.net/${collection}/my-${noun}`] };
  }
  const url = new URL(text);
  const mistakes = hostMistakes(url);
  const [first, name, version, ...rest] = segments(url);
  if (first !== collection || name === undefined || rest.length > 0) {
    const other = objectKinds.find((one) => one !== kind && one.collection === first);
    mistakes.push(
      other !== undefined
        ? `names a ${other.noun}, not a ${noun}: its path must begin with /${collection}`
        : `is not the URI of a ${noun}: its path must be /${collection}/{name} or /${collection}/{name}/{version}`,
    );
    return { mistakes };
  }
  mistakes.push(...hsmMistakes(kind, url));
  mistakes.push(...nameMistakes(name).map((mistake) => `names a ${noun} whose name ${mistake}`));
  if (version !== undefined && !versionPattern.test(version)) {
    mistakes.push("names a version that has other characters than letters and digits");
  }
  return mistakes.length > 0 ? { mistakes } : { value: { vaultUri: canonicalVaultUri(url), name, version } };
}

/** The object that a canonical URI names, of any kind; undefined if it names none. */
export function objectAt(uri: string): (ObjectReference & { readonly kind: ObjectKind }) | undefined {
  for (const kind of objectKinds) {
    const parsed = parseObjectUri(kind, uri);
    if ("value" in parsed) {
      return { kind, ...parsed.value };
    }
  }
  return undefined;
}

/** Parses `https://{vault}`, with or without the slash at its end. */
export function parseVaultUri(text: string, kind?: ObjectKind): Parsed<string> {
  if (!URL.canParse(text)) {
    return { mistakes: ["is not an absolute URI like https://my-vault.vault.azure.net/"] };
  }
  const url = new URL(text);
  const mistakes = hostMistakes(url);
  if (segments(url).length > 0) {
    mistakes.push("has a path: give the URI of the vault alone");
  }
  mistakes.push(...(kind === undefined ? [] : hsmMistakes(kind, url)));
  return mistakes.length > 0 ? { mistakes } : { value: canonicalVaultUri(url) };
}

function hsmMistakes(kind: ObjectKind, { href }: URL): string[] {
  return isManagedHsm(href) && !isInHsm(kind) ? [`names a Managed HSM, which holds no ${kind.collection}`] : [];
}

export function nameMistakes(name: string): readonly string[] {
  return namePattern.test(name) ? [] : ["is not 1 to 127 letters, digits and hyphens"];
}

/** The object's URI without a version. */
export function objectUri({ collection }: ObjectKind, vaultUri: string, name: string): string {
  return `${vaultUri}${collection}/${name}`;
}

/** Whether only a private endpoint answers to the vault's name. */
export function isPrivateLinkName(vaultUri: string): boolean {
  return new URL(vaultUri).hostname.includes(".privatelink.");
}

export function isManagedHsm(vaultUri: string): boolean {
  return new URL(vaultUri).hostname.includes(".managedhsm.");
}

export function capitalized(noun: string): string {
  return `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
}

/** A command of the Azure CLI on one object: `az keyvault key purge --vault-name kv --name orders`. */
export function azCommand(noun: string, action: string, vaultUri: string, name: string): string {
  const option = isManagedHsm(vaultUri) ? "--hsm-name" : "--vault-name";
  return `az keyvault ${noun} ${action} ${option} ${new URL(vaultUri).hostname.split(".")[0]} --name ${name}`;
}

function hostMistakes(url: URL): string[] {
  return [
    ...(url.protocol !== "https:" ? ["does not use https"] : []),
    ...(url.username !== "" || url.password !== "" ? ["contains a user name or a password"] : []),
    ...(url.search !== "" ? ["has a query"] : []),
    ...(url.hash !== "" ? ["has a fragment"] : []),
  ];
}

function segments(url: URL): string[] {
  return url.pathname.split("/").filter((segment) => segment !== "");
}

function canonicalVaultUri(url: URL): string {
  return `${url.protocol}//${url.host}/`;
}

import { keyNameMistakes, keyUriOf, type Parsed, parseKeyUri, parseVaultUri } from "../keyVault/keyReference";
import { isUnknown } from "./isUnknown";
import { privateLinkMistakes } from "./privateLink";
import { array, boolean, days, given, type Properties, type Shapes, sha256, shapeMistakes, string } from "./shapes";

/** The inputs as `check` completes them, once all are known. */
export interface Inputs {
  readonly vaultUri: string;
  readonly keyName: string;
  readonly keyUri: string;
  /** The version that the program names. */
  readonly keyVersion?: string;
  readonly triggers?: readonly unknown[];
  readonly maxAgeDays?: number;
  readonly retain?: number;
  /** In lower case. */
  readonly forget?: readonly string[];
  readonly forceDelete?: boolean;
}

export interface CheckedInputs {
  /** The inputs, with the key in every spelling as far as it is known, and `keyVersion` if `keyUri` named one. */
  readonly inputs: Properties;
  /** One sentence per mistake. No value is repeated in it: it may be secret. */
  readonly mistakes: readonly string[];
}

const shapes: Shapes = {
  keyUri: string,
  vaultUri: string,
  keyName: string,
  triggers: array,
  maxAgeDays: days,
  retain: {
    isShapeOf: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    text: "a whole number of backups, 0 or more",
  },
  forget: {
    isShapeOf: (value) => Array.isArray(value) && value.every(sha256.isShapeOf),
    text: "an array of blobSha256 values, of 64 hexadecimal digits each",
  },
  forceDelete: boolean,
};

function inLowerCase(value: unknown): unknown {
  return typeof value === "string" && sha256.isShapeOf(value) ? value.toLowerCase() : value;
}

/** Checks and completes what the program declares, offline. What is not known yet is passed over. */
export function checkInputs(declared: Properties, recorded: Properties, allowPrivateLink: boolean): CheckedInputs {
  const { own, keptVersion } = withoutHandedBack(declared, recorded);
  const mistakes = [...whichKeyMistakes(own), ...shapeMistakes("KeyBackup", own, shapes)];

  const parse = <T>(name: string, parser: (text: string) => Parsed<T>): T | undefined => {
    const text = own[name];
    if (typeof text !== "string" || isUnknown(text)) {
      return undefined;
    }
    const parsed = parser(text);
    if ("value" in parsed) {
      return parsed.value;
    }
    mistakes.push(...parsed.mistakes.map((mistake) => `${name} ${mistake}.`));
    return undefined;
  };
  const key = parse("keyUri", parseKeyUri);
  const vaultUri = key?.vaultUri ?? parse("vaultUri", parseVaultUri);
  const keyName = key?.keyName ?? parse("keyName", parseKeyName);
  if (vaultUri !== undefined && !allowPrivateLink) {
    mistakes.push(...privateLinkMistakes(key === undefined ? "vaultUri" : "keyUri", vaultUri));
  }
  const keyVersion = keptVersion ?? key?.keyVersion;
  const known = {
    ...(vaultUri === undefined ? {} : { vaultUri }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(vaultUri === undefined || keyName === undefined ? {} : { keyUri: keyUriOf({ vaultUri, keyName }) }),
    ...(keyVersion === undefined ? {} : { keyVersion }),
    ...(Array.isArray(own.forget) ? { forget: own.forget.map(inLowerCase) } : {}),
  };
  return { inputs: { ...own, ...known }, mistakes };
}

/**
 * What the program gives. With `ignoreChanges` the engine also hands back inputs as they were completed and recorded: those
 * beside the program's own spelling of the same key are left out, and a version that is handed back is the one to keep.
 */
function withoutHandedBack(declared: Properties, recorded: Properties): { own: Properties; keptVersion?: unknown } {
  const all = given(declared);
  const isHandedBack = (name: string) => name in all && all[name] === recorded[name];
  const without = (names: readonly string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name) || !isHandedBack(name)));
  const spelling = isHandedBack("keyUri") && isSameKey(all) ? ["keyUri"] : ["vaultUri", "keyName"];
  return {
    own: without("keyUri" in all ? [...spelling, "keyVersion"] : ["keyVersion"]),
    ...(isHandedBack("keyVersion") ? { keptVersion: all.keyVersion } : {}),
  };
}

function isSameKey({ keyUri, vaultUri, keyName }: Properties): boolean {
  const vault = typeof vaultUri === "string" ? parseVaultUri(vaultUri) : undefined;
  return (
    vault !== undefined &&
    "value" in vault &&
    typeof keyName === "string" &&
    keyUriOf({ vaultUri: vault.value, keyName }) === keyUri
  );
}

function whichKeyMistakes({ keyUri, vaultUri, keyName }: Properties): string[] {
  const parts = [vaultUri, keyName].filter((part) => part !== undefined).length;
  if (keyUri !== undefined) {
    return parts === 0
      ? []
      : ["keyUri names the vault and the key already: leave vaultUri and keyName out, or keyUri."];
  }
  return parts === 2 ? [] : ["The key is missing: give keyUri, or both vaultUri and keyName."];
}

function parseKeyName(text: string): Parsed<string> {
  const mistakes = keyNameMistakes(text);
  return mistakes.length > 0 ? { mistakes } : { value: text };
}

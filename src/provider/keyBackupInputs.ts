import {
  isPrivateLinkName,
  keyNameMistakes,
  keyUriOf,
  type Parsed,
  parseKeyUri,
  parseVaultUri,
} from "../keyVault/keyReference";
import { isUnknown } from "./isUnknown";

/** Property values as they come from the engine. */
export type Properties = Readonly<Record<string, unknown>>;

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

interface Shape {
  readonly isShapeOf: (value: unknown) => boolean;
  readonly text: string;
}

const string: Shape = { isShapeOf: (value) => typeof value === "string", text: "a string" };

const shapes: Readonly<Record<string, Shape>> = {
  keyUri: string,
  vaultUri: string,
  keyName: string,
  triggers: { isShapeOf: Array.isArray, text: "an array" },
  maxAgeDays: {
    isShapeOf: (value) => typeof value === "number" && Number.isFinite(value) && value > 0,
    text: "a positive, finite number of days",
  },
  retain: {
    isShapeOf: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    text: "a whole number of backups, 0 or more",
  },
  forget: {
    isShapeOf: (value) => Array.isArray(value) && value.every(isSha256),
    text: "an array of blobSha256 values, of 64 hexadecimal digits each",
  },
  forceDelete: { isShapeOf: (value) => typeof value === "boolean", text: "true or false" },
};

function isSha256(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/i.test(value);
}

function inLowerCase(value: unknown): unknown {
  return typeof value === "string" && isSha256(value) ? value.toLowerCase() : value;
}

const inputNames = Object.keys(shapes);

const privateLinkAdvice =
  "has the name of a private link. Use the vault's public name, https://{vault}.vault.azure.net, which leads to the " +
  "private endpoint too where there is one: the service vouches for no other. To use this name all the same: " +
  "pulumi config set azure-keyvault-backup:disableChallengeResourceVerification true";

/** Checks and completes what the program declares, offline. What is not known yet is passed over. */
export function checkInputs(declared: Properties, recorded: Properties, allowPrivateLink: boolean): CheckedInputs {
  const { given, keptVersion } = withoutHandedBack(declared, recorded);
  const mistakes = [
    ...Object.keys(given)
      .filter((name) => !inputNames.includes(name))
      .map((name) => `${name} is not an input of KeyBackup, which has ${inputNames.join(", ")}.`),
    ...whichKeyMistakes(given),
    ...Object.entries(shapes)
      .filter(([name, { isShapeOf }]) => name in given && !isUnknown(given[name]) && !isShapeOf(given[name]))
      .map(([name, { text }]) => `${name} is not ${text}.`),
  ];

  const parse = <T>(name: string, parser: (text: string) => Parsed<T>): T | undefined => {
    const text = given[name];
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
  if (vaultUri !== undefined && !allowPrivateLink && isPrivateLinkName(vaultUri)) {
    mistakes.push(`${key === undefined ? "vaultUri" : "keyUri"} ${privateLinkAdvice}.`);
  }
  const keyVersion = keptVersion ?? key?.keyVersion;
  const known = {
    ...(vaultUri === undefined ? {} : { vaultUri }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(vaultUri === undefined || keyName === undefined ? {} : { keyUri: keyUriOf({ vaultUri, keyName }) }),
    ...(keyVersion === undefined ? {} : { keyVersion }),
    ...(Array.isArray(given.forget) ? { forget: given.forget.map(inLowerCase) } : {}),
  };
  return { inputs: { ...given, ...known }, mistakes };
}

/**
 * What the program gives. With `ignoreChanges` the engine also hands back inputs as they were completed and recorded: those
 * beside the program's own spelling of the same key are left out, and a version that is handed back is the one to keep.
 */
function withoutHandedBack(declared: Properties, recorded: Properties): { given: Properties; keptVersion?: unknown } {
  const { __provider, ...rest } = declared;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null));
  const isHandedBack = (name: string) => name in given && given[name] === recorded[name];
  const without = (names: readonly string[]) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name) || !isHandedBack(name)));
  const spelling = isHandedBack("keyUri") && isSameKey(given) ? ["keyUri"] : ["vaultUri", "keyName"];
  return {
    given: without("keyUri" in given ? [...spelling, "keyVersion"] : ["keyVersion"]),
    ...(isHandedBack("keyVersion") ? { keptVersion: given.keyVersion } : {}),
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

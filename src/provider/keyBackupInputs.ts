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

export interface CheckedInputs {
  /** The inputs, with the key in every spelling as far as it is known, and `keyVersion` if `keyUri` named one. */
  readonly inputs: Properties;
  /** One sentence per mistake. No value is repeated in it: it may be secret. */
  readonly mistakes: readonly string[];
}

const inputNames = ["keyUri", "vaultUri", "keyName", "triggers"];

const privateLinkAdvice =
  "has the name of a private link. Use the vault's public name, https://{vault}.vault.azure.net, which leads to the " +
  "private endpoint too where there is one: the service vouches for no other. To use this name all the same: " +
  "pulumi config set azure-keyvault-backup:disableChallengeResourceVerification true";

/** Checks and completes what the program declares, offline. What is not known yet is passed over. */
export function checkInputs(declared: Properties, allowPrivateLink: boolean): CheckedInputs {
  const given = Object.fromEntries(
    Object.entries(declared).filter(([name, value]) => name !== "__provider" && value !== undefined && value !== null),
  );
  const mistakes = [
    ...Object.keys(given)
      .filter((name) => !inputNames.includes(name))
      .map((name) => `${name} is not an input of KeyBackup, which has ${inputNames.join(", ")}.`),
    ...whichKeyMistakes(given),
    ...inputNames
      .filter((name) => name in given && !isUnknown(given[name]) && !hasType(name, given[name]))
      .map((name) => `${name} is not ${name === "triggers" ? "an array" : "a string"}.`),
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
  const known = {
    ...(vaultUri === undefined ? {} : { vaultUri }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(vaultUri === undefined || keyName === undefined ? {} : { keyUri: keyUriOf({ vaultUri, keyName }) }),
    ...(key?.keyVersion === undefined ? {} : { keyVersion: key.keyVersion }),
  };
  return { inputs: { ...given, ...known }, mistakes };
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

function hasType(name: string, value: unknown): boolean {
  return name === "triggers" ? Array.isArray(value) : typeof value === "string";
}

function parseKeyName(text: string): Parsed<string> {
  const mistakes = keyNameMistakes(text);
  return mistakes.length > 0 ? { mistakes } : { value: text };
}

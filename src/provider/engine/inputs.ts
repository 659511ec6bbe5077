import { isKnownHost, parseCopyPlace } from "../../copies/copyPlace";
import { isPrivateLinkName, type Parsed, parseVaultUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import type { Configuration } from "./configuration";
import { isUnknown, type Properties, textIn } from "./values";

/** Inputs as `check` completes them. */
export interface Checked {
  readonly inputs: Properties;
  /** One sentence for each mistake. No value is repeated in it: the value may be secret. */
  readonly mistakes: readonly string[];
}

/** What the value of an input must be. */
export interface Shape {
  readonly fits: (value: unknown) => boolean;
  /** Completes "must be …". */
  readonly description: string;
}

export type Shapes = Readonly<Record<string, Shape>>;

export const string: Shape = { fits: (value) => typeof value === "string", description: "a string" };

export const boolean: Shape = { fits: (value) => typeof value === "boolean", description: "true or false" };

export const array: Shape = { fits: Array.isArray, description: "an array" };

export const sha256: Shape = {
  fits: (value) => typeof value === "string" && /^[0-9a-f]{64}$/i.test(value),
  description: "a SHA-256 of 64 hexadecimal digits",
};

export const days: Shape = {
  fits: (value) => typeof value === "number" && Number.isFinite(value) && value > 0,
  description: "a positive number of days",
};

export function arrayOf({ fits, description }: Shape): Shape {
  return {
    fits: (value) => Array.isArray(value) && value.every(fits),
    description: `an array, each item ${description}`,
  };
}

export function oneOf(...names: readonly string[]): Shape {
  const last = names.length - 1;
  const quoted = names.map((name) => `"${name}"`);
  return {
    fits: (value) => names.some((name) => name === value),
    description: `${quoted.slice(0, last).join(", ")} or ${quoted[last]}`,
  };
}

/** One sentence for each property that is unknown to the resource or does not fit. Values that are not known yet are passed over. */
export function shapeMistakes(resource: string, properties: Properties, shapes: Shapes, prefix = ""): string[] {
  const names = Object.keys(shapes);
  const foreign = Object.keys(properties).filter((name) => !names.includes(name));
  const unfit = Object.entries(shapes).filter(
    ([name, { fits }]) => name in properties && !isUnknown(properties[name]) && !fits(properties[name]),
  );
  return [
    ...foreign.map((name) => `${prefix}${name} is not an input of ${resource}; its inputs are ${names.join(", ")}.`),
    ...unfit.map(([name, { description }]) => `${prefix}${name} must be ${description}.`),
  ];
}

/** Parses a known text; collects its mistakes under the name of the input. */
export function parseInput<T>(
  name: string,
  value: unknown,
  parse: (text: string) => Parsed<T>,
  mistakes: string[],
): T | undefined {
  const text = textIn(value);
  if (text === undefined) {
    return undefined;
  }
  const parsed = parse(text);
  if ("value" in parsed) {
    return parsed.value;
  }
  mistakes.push(...parsed.mistakes.map((mistake) => `${name} ${mistake}.`));
  return undefined;
}

/** The vault that a program names, as a canonical URI; undefined while it is not known, or if it is wrong. */
export function parseVaultInput(
  kind: ObjectKind | undefined,
  value: unknown,
  configuration: Configuration,
  mistakes: string[],
): string | undefined {
  const vaultUri = parseInput("vaultUri", value, (text) => parseVaultUri(text, kind), mistakes);
  mistakes.push(...privateLinkMistakes("vaultUri", vaultUri, configuration));
  return vaultUri;
}

/** The service vouches for a vault's public name only, which leads to a private endpoint too. */
export function privateLinkMistakes(
  input: string,
  vaultUri: string | undefined,
  { disableChallengeResourceVerification }: Configuration,
): string[] {
  return vaultUri !== undefined && isPrivateLinkName(vaultUri) && !disableChallengeResourceVerification
    ? [
        `${input} is a private link name. Use the public name, https://{vault}.vault.azure.net/, which resolves to the ` +
          "private endpoint inside its network; or set azure-keyvault-backup:disableChallengeResourceVerification to true.",
      ]
    : [];
}

/** The URI of a copy, or of a place for copies, as a canonical text; undefined while it is not known, or if it is wrong. */
export function parseCopyInput(
  input: string,
  value: unknown,
  configuration: Configuration,
  mistakes: string[],
): string | undefined {
  const uri = parseInput(input, value, parseCopyPlace, mistakes);
  if (uri !== undefined && !isKnownHost(uri) && !configuration.disableChallengeResourceVerification) {
    mistakes.push(
      `${input} names a host that is not in Azure Blob Storage. For an emulator or a private cloud, set ` +
        "azure-keyvault-backup:disableChallengeResourceVerification to true.",
    );
  }
  return uri;
}

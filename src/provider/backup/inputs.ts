import type { DeclaredBackup } from "../../backup/planBackup";
import { nameMistakes, objectUri, type Parsed, parseObjectUri } from "../../keyVault/vaultUri";
import type { ObjectKind } from "../../objects/objectKind";
import type { Configuration } from "../engine/configuration";
import {
  array,
  arrayOf,
  boolean,
  type Checked,
  days,
  parseCopyInput,
  parseInput,
  parseVaultInput,
  privateLinkMistakes,
  type Shape,
  sha256,
  shapeMistakes,
  string,
} from "../engine/inputs";
import {
  arrayIn,
  isUnknown,
  numberIn,
  type Properties,
  textIn,
  textsIn,
  unknownIn,
  withoutEmpty,
} from "../engine/values";

const wholeNumber: Shape = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  description: "a whole number, 0 or more",
};

/** Checks what the program declares, offline, and makes its URIs canonical. */
export function checkBackup(
  kind: ObjectKind,
  resource: string,
  declared: Properties,
  configuration: Configuration,
): Checked {
  const { name, uri } = kind.properties;
  const inputs = withoutEmpty(declared);
  const mistakes = [
    ...whichObjectMistakes(kind, inputs),
    ...shapeMistakes(resource, inputs, {
      [uri]: string,
      vaultUri: string,
      [name]: string,
      triggers: array,
      maxAgeDays: days,
      retain: wholeNumber,
      forget: arrayOf(sha256),
      forceDelete: boolean,
      copyTo: arrayOf(string),
      keepBlobInState: boolean,
    }),
  ];
  const object = parseInput(uri, inputs[uri], (text) => parseObjectUri(kind, text), mistakes);
  mistakes.push(...privateLinkMistakes(uri, object?.vaultUri, configuration));
  const vaultUri = parseVaultInput(kind, inputs.vaultUri, configuration, mistakes);
  parseInput(name, inputs[name], parseName, mistakes);
  const copyTo = arrayIn(inputs.copyTo).map(
    (place, index) => parseCopyInput(`copyTo[${index}]`, place, configuration, mistakes) ?? place,
  );
  const places = copyTo.filter((place) => !isUnknown(place));
  if (new Set(places).size < places.length) {
    mistakes.push("copyTo names a place twice.");
  }
  if (inputs.keepBlobInState === false && !isUnknown(inputs.copyTo) && copyTo.length === 0) {
    mistakes.push("keepBlobInState: false needs copyTo: without a copy, the backup would be nowhere.");
  }
  const version = object?.version === undefined ? "" : `/${object.version}`;
  return {
    inputs: {
      ...inputs,
      ...(object === undefined ? {} : { [uri]: `${objectUri(kind, object.vaultUri, object.name)}${version}` }),
      ...(vaultUri === undefined ? {} : { vaultUri }),
      ...(Array.isArray(inputs.copyTo) ? { copyTo } : {}),
      ...(Array.isArray(inputs.forget) ? { forget: inputs.forget.map(lowerCase) } : {}),
    },
    mistakes,
  };
}

/** What the checked inputs declare. */
export function declaredBackup(kind: ObjectKind, { __provider, ...inputs }: Properties): DeclaredBackup {
  const { name, uri } = kind.properties;
  const parsed = parseObjectUri(kind, textIn(inputs[uri]) ?? "");
  const object = "value" in parsed ? parsed.value : undefined;
  return {
    vaultUri: object?.vaultUri ?? textIn(inputs.vaultUri),
    name: object?.name ?? textIn(inputs[name]),
    version: object?.version,
    triggers: arrayIn(inputs.triggers),
    maxAgeDays: numberIn(inputs.maxAgeDays),
    forget: textsIn(inputs.forget),
    forceDelete: inputs.forceDelete === true,
    copyTo: textsIn(inputs.copyTo),
    keepBlobInState: inputs.keepBlobInState !== false,
    unknown: unknownIn(inputs),
  };
}

function whichObjectMistakes({ noun, properties: { name, uri } }: ObjectKind, inputs: Properties): string[] {
  const parts = [inputs.vaultUri, inputs[name]].filter((part) => part !== undefined).length;
  if (inputs[uri] !== undefined) {
    return parts === 0
      ? []
      : [`${uri} already names the vault and the ${noun}: remove vaultUri and ${name}, or ${uri}.`];
  }
  return parts === 2 ? [] : [`Name the ${noun}: set ${uri}, or both vaultUri and ${name}.`];
}

function parseName(text: string): Parsed<string> {
  const mistakes = nameMistakes(text);
  return mistakes.length > 0 ? { mistakes } : { value: text };
}

function lowerCase(value: unknown): unknown {
  return sha256.fits(value) ? (value as string).toLowerCase() : value;
}

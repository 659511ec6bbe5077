/** Property values as they come from the engine. */
export type Properties = Readonly<Record<string, unknown>>;

// What the engine hands over for a value that will be known only during the update: `pulumi.runtime.unknownValue`.
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

// `pulumi.runtime.specialSigKey` and `specialSecretSig`. Importing the SDK for them would double the time to load.
const specialSigKey = "4dabf18193072939515e22adb298388d";
const specialSecretSig = "1b47061264138c4ac30d75fd1eb44270";

/** Whether the value, or a part of it, will be known only during the update. */
export function isUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(isUnknown);
  }
  return value === unknownValue;
}

/** Names of the properties whose values are not known yet. */
export function unknownIn(properties: Properties): string[] {
  return Object.keys(properties).filter((name) => isUnknown(properties[name]));
}

/** The value if it is a known text. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" && !isUnknown(value) ? value : undefined;
}

/** The texts of an array; none if the value is not an array. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => textIn(item) !== undefined) : [];
}

export function numberIn(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function arrayIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The members of an object; none if the value is not an object. */
export function membersIn(value: unknown): Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Properties) : {};
}

/** The texts among the members of an object. */
export function textMembersIn(value: unknown): Record<string, string> {
  const members = Object.entries(membersIn(value)).filter(([, member]) => textIn(member) !== undefined);
  return Object.fromEntries(members) as Record<string, string>;
}

/** What the program declares: the engine hands over `null` for what is undefined in it. */
export function withoutEmpty({ __provider, ...declared }: Properties): Properties {
  return Object.fromEntries(Object.entries(declared).filter(([, value]) => value !== undefined && value !== null));
}

/** A text that the engine encrypts in the state, whatever options the program gives. */
export function secretOnWire(text: string | undefined): unknown {
  return text === undefined ? undefined : { [specialSigKey]: specialSecretSig, value: text };
}

/** The properties without undefined members at any depth, which the engine does not take. */
export function onWire(properties: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, valueOnWire(value)]),
  );
}

function valueOnWire(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(valueOnWire);
  }
  return typeof value === "object" && value !== null ? onWire(value) : value;
}

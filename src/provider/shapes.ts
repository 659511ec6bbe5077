import { isUnknown } from "./isUnknown";

/** Property values as they come from the engine. */
export type Properties = Readonly<Record<string, unknown>>;

/** What the value of an input is, apart from what it says. */
export interface Shape {
  readonly isShapeOf: (value: unknown) => boolean;
  /** Completes "is not …". */
  readonly text: string;
}

export type Shapes = Readonly<Record<string, Shape>>;

export const string: Shape = { isShapeOf: (value) => typeof value === "string", text: "a string" };

export const boolean: Shape = { isShapeOf: (value) => typeof value === "boolean", text: "true or false" };

/** A SHA-256 in hexadecimal. */
export const sha256: Shape = {
  isShapeOf: (value) => typeof value === "string" && /^[0-9a-f]{64}$/i.test(value),
  text: "a SHA-256 of 64 hexadecimal digits",
};

export const array: Shape = { isShapeOf: Array.isArray, text: "an array" };

export const days: Shape = {
  isShapeOf: (value) => typeof value === "number" && Number.isFinite(value) && value > 0,
  text: "a positive, finite number of days",
};

export function oneOf(...names: readonly string[]): Shape {
  const quoted = names.map((name) => `"${name}"`);
  return {
    isShapeOf: (value) => names.some((name) => name === value),
    text: quoted.length === 2 ? quoted.join(" or ") : `one of ${quoted.join(", ")}`,
  };
}

/** What the program gives: the engine hands over `null` for what is undefined in it. */
export function given({ __provider, ...declared }: Properties): Record<string, unknown> {
  return Object.fromEntries(Object.entries(declared).filter(([, value]) => value !== undefined && value !== null));
}

/** One sentence for each property that is none of the shapes', or has another shape. What is not known yet is passed over. */
export function shapeMistakes(resource: string, properties: Properties, shapes: Shapes, prefix = ""): string[] {
  const names = Object.keys(shapes);
  return [
    ...Object.keys(properties)
      .filter((name) => !names.includes(name))
      .map((name) => `${prefix}${name} is not an input of ${resource}, which has ${names.join(", ")}.`),
    ...Object.entries(shapes)
      .filter(
        ([name, { isShapeOf }]) => name in properties && !isUnknown(properties[name]) && !isShapeOf(properties[name]),
      )
      .map(([name, { text }]) => `${prefix}${name} is not ${text}.`),
  ];
}

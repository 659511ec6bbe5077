import { isUnknown } from "./isUnknown";

/** The value if it is a known text. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" && !isUnknown(value) ? value : undefined;
}

/** The texts of an array. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The members of an object; none where it is none. */
export function membersIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** The texts among the members of an object. */
export function textMembersIn(value: unknown): Record<string, string> {
  const texts = Object.entries(membersIn(value)).flatMap(([name, member]) => {
    const text = textIn(member);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(texts);
}

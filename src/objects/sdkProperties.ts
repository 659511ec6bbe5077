import type { DeletedObject, ObjectVersion } from "./objectKind";

/** What the properties of keys, secrets and certificates have in common in the SDK. */
interface SdkProperties {
  readonly version?: string;
  readonly createdOn?: Date;
  readonly updatedOn?: Date;
  readonly enabled?: boolean;
  readonly notBefore?: Date;
  readonly expiresOn?: Date;
  readonly contentType?: string;
  readonly tags?: Record<string, string>;
  readonly managed?: boolean;
  readonly recoveryLevel?: string;
  readonly scheduledPurgeDate?: Date;
}

export function versionOf(properties: SdkProperties): ObjectVersion {
  const { version, createdOn, updatedOn, enabled, notBefore, expiresOn, contentType, tags, managed } = properties;
  const createdAt = createdOn?.getTime() ?? 0;
  return {
    version: lowerCase(version),
    createdAt,
    updatedAt: updatedOn?.getTime() ?? createdAt,
    tags: tags ?? {},
    attributes: { enabled, nbf: notBefore?.getTime(), exp: expiresOn?.getTime(), contentType },
    isManaged: managed === true,
  };
}

export function deletedOf(properties: SdkProperties): DeletedObject {
  const { version, tags, recoveryLevel, scheduledPurgeDate, managed } = properties;
  return {
    version: version === undefined ? undefined : lowerCase(version),
    tags: tags ?? {},
    isPurgeable: isPurgeableBy(recoveryLevel),
    purgedAt: scheduledPurgeDate?.getTime(),
    isManaged: managed === true,
  };
}

/** Whether a recovery level allows an early purge; undefined without a level. */
export function isPurgeableBy(recoveryLevel: string | undefined): boolean | undefined {
  return recoveryLevel?.includes("Purgeable");
}

/** The `value` of an answer. The clients decode what they can of a damaged one and drop the rest. */
export function valueIn(body: string | null | undefined): unknown {
  return (JSON.parse(body ?? "null") as { value?: unknown } | null)?.value;
}

export function lowerCase(version = ""): string {
  return version.toLowerCase();
}

export async function allOf<T, R>(items: AsyncIterable<T>, convert: (item: T) => R): Promise<R[]> {
  const converted: R[] = [];
  for await (const item of items) {
    converted.push(convert(item));
  }
  return converted;
}

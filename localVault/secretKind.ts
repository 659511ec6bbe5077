import { randomBytes } from "node:crypto";
import { commonAttributes, commonChange, managedMember, tagsMember, uriOf } from "./objectBundle";
import { type BundleForm, type Json, type ObjectKind, wordsOf } from "./objectKind";
import type { CommonChange, StoredObject, StoredVersion } from "./storedObject";

export interface SecretVersion extends StoredVersion {
  value: string;
  contentType?: string;
}

export interface SecretChange extends CommonChange {
  readonly value?: string;
  readonly contentType?: string;
}

/** @default a random value */
export type NewSecret = SecretChange;

type StoredSecret = StoredObject<SecretVersion>;

/** The beginning is known, so that a search finds the value of any secret where it must not stand. */
const randomValue = (): string => `secret-value-${randomBytes(18).toString("base64url")}`;

export const secretKind: ObjectKind<SecretVersion, NewSecret, SecretChange> = {
  words: wordsOf.secrets,
  create: ({ base }, options) => ({ ...base, value: randomValue(), ...options }),
  rotate: ({ base }, { contentType, tags }) => ({
    ...base,
    value: randomValue(),
    ...(contentType === undefined ? {} : { contentType }),
    tags: { ...tags },
  }),
  // SecretBundle in Microsoft's specification, without its value.
  bundle: (form, secret, version) => ({
    ...properties(form, secret, version),
    ...(secret.managed ? { kid: uriOf(form, "keys", secret.name, version) } : {}),
    id: uriOf(form, "secrets", secret.name, version),
  }),
  // SecretItem in Microsoft's specification.
  item: (form, secret, version) => ({
    ...properties(form, secret, version ?? (secret.versions.at(-1) as SecretVersion)),
    id: uriOf(form, "secrets", secret.name, version),
  }),
  readChange: (body) => ({
    ...commonChange(body),
    ...(typeof body.contentType === "string" ? { contentType: body.contentType } : {}),
  }),
  exportVersion: (version) => ({ ...version }),
  importVersion: (exported) => exported as unknown as SecretVersion,
};

function properties(form: BundleForm, secret: StoredSecret, version: SecretVersion): Json {
  const { contentType } = version;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    attributes: commonAttributes(form, version),
    ...tagsMember(version),
    ...managedMember(secret),
  };
}

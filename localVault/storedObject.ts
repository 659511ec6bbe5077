import type { CollectionName } from "./objectKind";

export type Tags = Record<string, string>;

export interface StoredVersion {
  readonly version: string;
  readonly created: number;
  updated: number;
  enabled: boolean;
  notBefore?: number;
  expires?: number;
  tags: Tags;
}

/** The attributes and tags that every kind of object has. */
export interface CommonChange {
  readonly enabled?: boolean;
  readonly tags?: Tags;
  /** In seconds. */
  readonly notBefore?: number;
  /** In seconds. */
  readonly expires?: number;
}

/** What `nbf` and `exp` say about a version now. */
export type Validity = "notYetValid" | "valid" | "expired";

export interface StoredObject<Version extends StoredVersion> {
  readonly name: string;
  /** Whether the object belongs to a certificate. */
  readonly managed: boolean;
  readonly versions: Version[];
}

export interface DeletedObject<Version extends StoredVersion> extends StoredObject<Version> {
  readonly deletedAt: number;
  readonly deletionCompletesAt: number;
}

/** What a store knows of a name, whatever it stores. */
export interface NameStore {
  readonly collection: CollectionName;
  isInUse(name: string): boolean;
  isManaged(name: string): boolean;
  isDeleted(name: string): boolean;
  isJustPurged(name: string): boolean;
  isBeingDeleted(name: string): boolean;
  isBeingRecovered(name: string): boolean;
  withdraw(name: string): void;
  delete(name: string, durationMilliseconds: number): unknown;
  recover(name: string, durationMilliseconds: number): unknown;
  purge(name: string, settlesAfterMilliseconds: number): boolean;
}

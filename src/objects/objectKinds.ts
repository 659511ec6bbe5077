import { certificate } from "./certificate";
import { key } from "./key";
import type { ObjectKind } from "./objectKind";
import { secret } from "./secret";

export const objectKinds: readonly ObjectKind[] = [key, secret, certificate];

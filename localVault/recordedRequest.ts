import type { CollectionName } from "./objectKind";
import type { Operation } from "./operation";

export interface RecordedRequest {
  readonly method: string;
  /** Without its query, and with single slashes. */
  readonly path: string;
  readonly query: Record<string, string>;
  readonly collection: CollectionName | undefined;
  readonly operation: Operation;
  readonly objectName: string;
  readonly hasToken: boolean;
  readonly time: number;
  readonly requestId: string;
  /** Undefined if no answer was sent. */
  status: number | undefined;
}

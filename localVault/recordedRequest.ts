import type { Operation } from "./keyOperation";

export interface RecordedRequest {
  readonly method: string;
  /** Without its query, and with single slashes. */
  readonly path: string;
  readonly query: Record<string, string>;
  readonly operation: Operation;
  readonly keyName: string;
  readonly hasToken: boolean;
  readonly time: number;
  readonly requestId: string;
  /** Undefined where no answer was sent. */
  status: number | undefined;
}

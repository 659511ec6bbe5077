import type { Operation } from "./keyOperation";

export type RequestHandler = () => void | Promise<void>;

/** Handlers wait in the order of their announcement, each for one request of its operation. */
export class RequestHandlers {
  readonly #waiting = new Map<Operation, RequestHandler[]>();

  add(operation: Operation, handler: RequestHandler): void {
    this.#waiting.set(operation, [...(this.#waiting.get(operation) ?? []), handler]);
  }

  async call(operation: Operation): Promise<void> {
    await this.#waiting.get(operation)?.shift()?.();
  }

  clear(): void {
    this.#waiting.clear();
  }
}

/** What of a token decides whether it knows of a role assignment. */
export interface TokenIssue {
  readonly serial: number;
  readonly issuedAt: number;
}

export type Propagation = { readonly milliseconds: number } | { readonly requests: number };

/** A role assignment takes effect some time after it was made; until then every request is refused. */
export class RoleAssignment {
  readonly #now: () => number;
  #effectiveAt = Number.NEGATIVE_INFINITY;
  #refusalsLeft = 0;
  #lastSerialBefore = 0;
  #needsFreshToken = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  start(propagation: Propagation, needsFreshToken: boolean, lastSerial: number): void {
    this.#needsFreshToken = needsFreshToken;
    this.#refusalsLeft = "requests" in propagation ? propagation.requests : 0;
    this.#lastSerialBefore = "requests" in propagation ? lastSerial : 0;
    this.#effectiveAt =
      "milliseconds" in propagation ? this.#now() + propagation.milliseconds : Number.NEGATIVE_INFINITY;
  }

  permits(token: TokenIssue, lastSerial: number): boolean {
    if (this.#refusalsLeft > 0) {
      this.#refusalsLeft -= 1;
      this.#lastSerialBefore = lastSerial;
      return false;
    }
    if (this.#now() < this.#effectiveAt) return false;
    return !this.#needsFreshToken || (token.serial > this.#lastSerialBefore && token.issuedAt >= this.#effectiveAt);
  }
}

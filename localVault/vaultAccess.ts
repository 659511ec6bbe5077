import { type CollectionName, wordsOf } from "./objectKind";
import { objectIsManaged } from "./objectRefusal";
import { type Answer, refusal } from "./serviceError";

/** The order of tokens. It decides whether a token knows of a role assignment. */
export interface TokenIssue {
  readonly serial: number;
  readonly issuedAt: number;
}

export type Propagation = { readonly milliseconds: number } | { readonly requests: number };

/** A role assignment takes effect some time after it was made. Until then every request is refused. */
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

export type ForbiddenReason = "rbac" | "accessPolicy" | "accessDenied" | "firewall" | "privateLink" | "certificate";

/** What a refusal says about the request. */
export interface Refused {
  readonly vaultName: string;
  readonly collection: CollectionName;
  readonly objectName: string;
  /** The permission of access policies. */
  readonly permission: string;
  readonly dataAction: string;
  readonly caller: string;
}

/** Tells a client without a valid token where tokens come from. */
export function unauthorized(message: string, challenge: string): Answer {
  return { ...refusal(401, "Unauthorized", message), headers: { "www-authenticate": challenge } };
}

export function challengeFor(tenantId: string, resource: string): string {
  return `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="${resource}"`;
}

/** The challenge of continuous access evaluation. It names no resource. */
export function claimsChallenge(claims: string): string {
  const encoded = Buffer.from(claims).toString("base64");
  return `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${encoded}"`;
}

/** How the service refuses a caller or an operation. */
export function forbidden(
  reason: ForbiddenReason,
  { vaultName, collection, objectName, permission, dataAction, caller }: Refused,
): Answer {
  const vault = `Vault: ${vaultName};location=westeurope`;
  switch (reason) {
    case "rbac": {
      const resource = `/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/microsoft.keyvault/vaults/${vaultName}/${collection}/${objectName}`;
      return refusal(
        403,
        "Forbidden",
        `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${caller}\r\nAction: '${dataAction}'\r\nResource: '${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\n${vault}\r\n`,
        "ForbiddenByRbac",
      );
    }
    case "accessPolicy":
    case "accessDenied":
      return refusal(
        403,
        "Forbidden",
        `The user, group or application '${caller.replace(";iss=", ";numgroups=0;iss=")}' does not have ${collection} ${permission} permission on key vault '${vaultName};location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
        reason === "accessPolicy" ? "ForbiddenByPolicy" : "AccessDenied",
      );
    case "firewall":
      return refusal(
        403,
        "Forbidden",
        `Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7\r\nCaller: ${caller}\r\n${vault}`,
        "ForbiddenByFirewall",
      );
    case "privateLink":
      return refusal(
        403,
        "Forbidden",
        `Connection is not an approved private link and caller was ignored because bypass is not set to 'AzureServices' and PublicNetworkAccess is set to 'Disabled'.\r\n${vault}`,
        "ForbiddenByConnection",
      );
    case "certificate":
      return objectIsManaged(wordsOf[collection], permission);
    default:
      return reason satisfies never;
  }
}

import { type PipelinePolicy, RestError } from "@azure/core-rest-pipeline";
import type { LocalIdentity } from "../../../localVault/localIdentity";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { type Copies, openCopies } from "../../../src/copies/copies";
import { type Requests, VaultConnection } from "../../../src/keyVault/connection/vaultConnection";
import type { Waits } from "../../../src/keyVault/connection/waits";
import type { ObjectClient, ObjectKind } from "../../../src/objects/objectKind";
import type { Connect } from "../../../src/provider/engine/connect";
import { trustLocalCertificate } from "../trustLocalCertificate";
import { BlobContents } from "./heldBackups";
import type { ResourceName } from "./program";
import { challengeWait, VirtualClock } from "./virtualClock";

/** Changes the client of one vault's objects of one kind. */
export type ChangeClient = <Client extends ObjectClient>(client: Client, kind: ObjectKind, vaultUri: string) => Client;

const day = 86_400_000;

const waits: Waits = {
  operation: 15_000,
  read: 15_000,
  newObject: 5_000,
  freeName: 15_000,
  notReady: [4_000],
  throttled: [1_000],
  transient: 0,
  attempt: day,
  challenge: challengeWait,
};

/** What a request takes of the virtual time, in milliseconds. */
const requestTime = 300;

/** What a command of Pulumi does with a resource. */
export type Phase = "preview" | "refresh" | "update" | "delete";

export interface SentRequest {
  readonly resource: ResourceName;
  readonly phase: Phase;
  readonly method: string;
  readonly path: string;
  /** Undefined if no answer came. */
  status: number | undefined;
}

/** What the provider process is, or was, when it sends a request. */
export interface Process {
  /** How many requests it may still make before it is killed. */
  requestsLeft: number;
  isKilled: boolean;
  phase: Phase;
  readonly sent: SentRequest[];
}

export function newProcess(requestsLeft = Number.POSITIVE_INFINITY): Process {
  return { requestsLeft, isKilled: false, phase: "update", sent: [] };
}

export class ProcessKilled extends Error {}

/** The vaults of all sequences; each sequence has objects of its own in them. */
export interface Vaults {
  readonly source: LocalVault;
  readonly otherSource: LocalVault;
  readonly target: LocalVault;
  readonly scratch: LocalVault;
  /** A scratch vault with purge protection. */
  readonly protectedScratch: LocalVault;
}

export const vaultRoles = ["source", "otherSource", "target", "scratch", "protectedScratch"] as const;
export type VaultRole = (typeof vaultRoles)[number];

export const retentionDays = 7;

/** Local vaults with a virtual clock, and a process that reaches them and can be killed after each of its requests. */
export class ModelService {
  readonly clock: VirtualClock;
  readonly vaults: Vaults;
  readonly contents: BlobContents;
  /** The addresses that cannot be reached. */
  readonly unreachable = new Set<string>();
  process = newProcess();
  sequences = 0;
  readonly #service: LocalKeyVault;
  readonly #token: string;
  readonly #connections = new Map<string, VaultConnection>();

  private constructor(service: LocalKeyVault, clock: VirtualClock, vaults: Vaults, side: LocalVault) {
    this.#service = service;
    this.#token = service.identity.accessToken("https://vault.azure.net");
    this.clock = clock;
    this.vaults = vaults;
    this.contents = new BlobContents(side);
  }

  static async start(): Promise<ModelService> {
    const clock = new VirtualClock();
    const service = await LocalKeyVault.start({ now: clock.now });
    service.identity.tokenLifetimeSeconds = 10_000 * 365 * 86_400;
    trustLocalCertificate(service.certificatePem);
    rememberVerdicts(service.identity);
    const create = (name: string, options = {}) => service.createVault(name, { blobPadding: 0, ...options });
    const vaults: Vaults = {
      source: await create("kv-source"),
      otherSource: await create("kv-other"),
      target: await create("kv-target"),
      scratch: await create("kv-scratch"),
      protectedScratch: await create("kv-protected", { purgeProtection: true, retentionDays }),
    };
    return new ModelService(service, clock, vaults, await create("kv-side"));
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }

  /** Reaches the vaults as a resource does, whose clients are changed, and send their requests as the process of the moment. */
  connectAs(resource: ResourceName, change: ChangeClient): Connect {
    const kinds = new Map<ObjectKind, ObjectKind>();
    const own = <Client extends ObjectClient>(kind: ObjectKind<Client>): ObjectKind<Client> => {
      const known = kinds.get(kind) ?? this.#ownKind(kind, resource, change);
      kinds.set(kind, known);
      return known as ObjectKind<Client>;
    };
    return (vaultUri) => withOwnKinds(this.#connectionTo(vaultUri), own);
  }

  /** Reaches copies as a resource does: the process can be killed after each of them. */
  copiesAs(resource: ResourceName): Copies {
    const copies = openCopies({
      allowOtherHosts: false,
      waits,
      clock: this.clock,
      print: () => undefined,
      credential: () => ({ getToken: async () => null }),
    });
    const { process } = this;
    const sending = async <T>(method: string, path: string, request: () => Promise<T>): Promise<T> => {
      if (process.isKilled) {
        throw new ProcessKilled();
      }
      process.sent.push({ resource, phase: process.phase, method, path, status: 200 });
      const answer = await request();
      process.requestsLeft -= 1;
      process.isKilled ||= process.requestsLeft === 0;
      if (process.isKilled) {
        throw new ProcessKilled();
      }
      return answer;
    };
    return {
      write: (uri, bytes, facts) => sending("PUT", uri, () => copies.write(uri, bytes, facts)),
      read: (uri, sha256) => sending("GET", uri, () => copies.read(uri, sha256)),
      look: (uri) => sending("HEAD", uri, () => copies.look(uri)),
    };
  }

  /** Forgets what only one sequence needs: there are thousands. */
  endSequence(): void {
    this.contents.clear();
    for (const role of vaultRoles) {
      this.vaults[role].requests.length = 0;
    }
  }

  disconnect(): void {
    this.#connections.clear();
  }

  /** Connections are kept from one process to the next: only a kill ends them. */
  #connectionTo(vaultUri: string): VaultConnection {
    const connection =
      this.#connections.get(vaultUri) ??
      new VaultConnection({
        vaultUri,
        disableChallengeResourceVerification: true,
        waits,
        clock: this.clock,
        print: () => undefined,
        credential: () => ({
          getToken: async () => ({ token: this.#token, expiresOnTimestamp: Date.now() + 365 * day }),
        }),
      });
    this.#connections.set(vaultUri, connection);
    return connection;
  }

  #ownKind<Client extends ObjectClient>(
    kind: ObjectKind<Client>,
    resource: ResourceName,
    change: ChangeClient,
  ): ObjectKind<Client> {
    return {
      ...kind,
      connect: (vaultUri, credential, options) => {
        const policy = { policy: this.#processPolicy(vaultUri, resource), position: "perRetry" } as const;
        const additionalPolicies = [...(options.additionalPolicies ?? []), policy];
        return change(kind.connect(vaultUri, credential, { ...options, additionalPolicies }), kind, vaultUri);
      },
    };
  }

  #processPolicy(vaultUri: string, resource: ResourceName): PipelinePolicy {
    return {
      name: "processPolicy",
      sendRequest: async (request, next) => {
        const { process, clock } = this;
        if (process.isKilled) {
          throw new ProcessKilled();
        }
        const { method } = request;
        const path = new URL(request.url).pathname;
        const sent: SentRequest = { resource, phase: process.phase, method, path, status: undefined };
        process.sent.push(sent);
        if (this.unreachable.has(vaultUri)) {
          throw new RestError("getaddrinfo ENOTFOUND", { code: "ENOTFOUND", request });
        }
        clock.pass(requestTime);
        const response = await next(request);
        sent.status = response.status;
        if (response.status !== 401) {
          process.requestsLeft -= 1;
          process.isKilled ||= process.requestsLeft === 0;
        }
        if (process.isKilled) {
          throw new ProcessKilled();
        }
        return response;
      },
    };
  }
}

/** A connection that uses a resource's own kinds of objects in place of the usual ones. */
function withOwnKinds(
  connection: VaultConnection,
  own: <Client extends ObjectClient>(kind: ObjectKind<Client>) => ObjectKind<Client>,
): VaultConnection {
  const { vaultUri, waits } = connection;
  const ownRequests = <Client extends ObjectClient>(requests: Requests<Client>): Requests<Client> => ({
    ...requests,
    clientOf: (kind) => requests.clientOf(own(kind)),
  });
  const carryOut: typeof connection.carryOut = (task, attempt) =>
    connection.carryOut({ ...task, kind: own(task.kind) }, (requests) => attempt(ownRequests(requests)));
  const once: typeof connection.once = (task, attempt) =>
    connection.once({ ...task, kind: own(task.kind) }, (requests) => attempt(ownRequests(requests)));
  return { vaultUri, waits, carryOut, once } as typeof connection;
}

/** A signature is verified once: the model sends one token a thousand times. */
function rememberVerdicts(identity: LocalIdentity): void {
  const verify = identity.verify.bind(identity);
  const verdicts = new Map<string, ReturnType<typeof verify>>();
  identity.verify = (token, resource) => {
    const verdict = verdicts.get(token) ?? verify(token, resource);
    verdicts.set(token, verdict);
    return verdict;
  };
}

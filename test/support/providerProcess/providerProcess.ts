import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientUnaryCall, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import * as pulumi from "@pulumi/pulumi";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import {
  CheckRequest,
  ConfigureRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  ReadRequest,
  UpdateRequest,
} from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";

/** Property values as they go over the wire. */
export type Properties = Readonly<Record<string, unknown>>;

/** The stack's configuration with which a local vault gets tokens, which asks for those of Key Vault. */
export const verificationOff = { "azure-keyvault-backup:disableChallengeResourceVerification": "true" };

/** A request that the provider process refused. */
export interface RefusedRequest {
  /** What the engine shows. */
  readonly details: string;
  readonly metadata: Metadata;
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

const startMilliseconds = 20_000;
const answerMilliseconds = 30_000;
const printMilliseconds = 5_000;
const stopMilliseconds = 5_000;

/** Pulumi's process for dynamic resources, asked by a test in the engine's place. */
export class ProviderProcess {
  /** What it printed on either stream, behind its port: complete once it has ended. */
  printed = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<NodeJS.Signals | number | null>;
  #client: ResourceProviderClient | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(signal ?? code));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.printed += text;
      });
    }
  }

  /** Starts it in the project's folder, as somebody whom only the service knows, and configures it as a stack is. */
  static async start(
    folder: string,
    service: Pick<LocalKeyVault, "environment">,
    configuration: Readonly<Record<string, string>> = {},
  ): Promise<ProviderProcess> {
    // As pulumi-resource-pulumi-nodejs does it, without the shell that would outlive its parent's end.
    const script = require.resolve("@pulumi/pulumi/cmd/dynamic-provider", { paths: [folder] });
    const child = spawn(process.execPath, [script, "127.0.0.1:1"], {
      cwd: folder,
      env: { PATH: path.dirname(process.execPath), PULUMI_NODEJS_PROJECT: "infrastructure", ...service.environment() },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const provider = new ProviderProcess(child);
    try {
      const port = await within(startMilliseconds, "a port", Promise.race([firstLine(child), provider.#ended]));
      if (!/^\d+$/.test(String(port))) {
        throw new Error(`The provider process began with ${port}: ${provider.printed}`);
      }
      provider.printed = "";
      provider.#client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
        "grpc.max_receive_message_length": 400 * 1024 * 1024,
      });
      await provider.#ask(provider.client.configure, new ConfigureRequest().setArgs(toStruct(configuration)));
      return provider;
    } catch (error) {
      await provider.stop();
      throw error;
    }
  }

  get client(): ResourceProviderClient {
    if (this.#client === undefined) {
      throw new Error("The provider process has no port yet.");
    }
    return this.#client;
  }

  async check(news: Properties, olds: Properties = {}) {
    const request = new CheckRequest().setOlds(toStruct(olds)).setNews(toStruct(news));
    const response = await this.#ask(this.client.check, request);
    return {
      inputs: fromStruct(response.getInputs()),
      failures: response.getFailuresList().map((failure) => failure.toObject()),
    };
  }

  async diff(id: string, olds: Properties, news: Properties) {
    const request = new DiffRequest().setId(id).setOlds(toStruct(olds)).setNews(toStruct(news));
    const response = await this.#ask(this.client.diff, request);
    const { DIFF_SOME, DIFF_NONE } = DiffResponse.DiffChanges;
    const changes = new Map<number, "some" | "none">([
      [DIFF_SOME, "some"],
      [DIFF_NONE, "none"],
    ]);
    return { changes: changes.get(response.getChanges()) ?? "unknown", replaces: response.getReplacesList() };
  }

  async create(inputs: Properties) {
    const response = await this.#ask(this.client.create, new CreateRequest().setProperties(toStruct(inputs)));
    return { id: response.getId(), outputs: fromStruct(response.getProperties()) };
  }

  /** A refresh has outputs; a `.get` has inputs only. */
  async read(id: string, { outputs, inputs }: { outputs?: Properties; inputs?: Properties }) {
    const request = new ReadRequest().setId(id);
    if (outputs !== undefined) {
      request.setProperties(toStruct(outputs));
    }
    if (inputs !== undefined) {
      request.setInputs(toStruct(inputs));
    }
    const response = await this.#ask(this.client.read, request);
    return {
      id: response.getId(),
      outputs: fromStruct(response.getProperties()),
      inputs: response.getInputs()?.toJavaScript(),
    };
  }

  async update(id: string, olds: Properties, news: Properties): Promise<Properties> {
    const request = new UpdateRequest().setId(id).setOlds(toStruct(olds)).setNews(toStruct(news));
    return fromStruct((await this.#ask(this.client.update, request)).getProperties());
  }

  async delete(id: string, outputs: Properties): Promise<void> {
    await this.#ask(this.client.delete, new DeleteRequest().setId(id).setProperties(toStruct(outputs)));
  }

  /** Waits until it has printed the text: an answer may overtake what was printed before it. */
  async hasPrinted(text: string): Promise<void> {
    const until = Date.now() + printMilliseconds;
    while (!this.printed.includes(text)) {
      if (Date.now() > until) {
        throw new Error(`The provider process did not print:\n${text}\nbut:\n${this.printed}`);
      }
      await sleep(10);
    }
  }

  async cancel(): Promise<void> {
    await this.#ask(this.client.cancel, new Empty());
  }

  /** Ends it, and returns what ended it: a signal, or a code. A second call awaits the first. */
  async stop(): Promise<NodeJS.Signals | number | null> {
    this.#client?.close();
    this.#child.kill("SIGTERM");
    try {
      return await within(stopMilliseconds, "an end", this.#ended);
    } catch {
      this.#child.kill("SIGKILL");
      return this.#ended;
    }
  }

  #ask<Request, Response>(method: UnaryMethod<Request, Response>, request: Request): Promise<Response> {
    const options = { deadline: Date.now() + answerMilliseconds };
    return new Promise((resolve, reject) => {
      method.call(this.client, request, new Metadata(), options, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }
}

/** What the request was refused with; an error where it was carried out. */
export async function refusalOf(request: Promise<unknown>): Promise<RefusedRequest> {
  const refusal = await request.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refusal instanceof Error && "details" in refusal && "metadata" in refusal)) {
    throw new Error(`The request was not refused: ${refusal}`);
  }
  return refusal as unknown as RefusedRequest;
}

/** A secret as it goes over the wire. */
export function wireSecret(value: unknown): Properties {
  return { [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value };
}

/** Outputs as the engine sends them back: secrets in clear, for the process takes no others. */
export function sentBack(outputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      pulumi.runtime.isRpcSecret(value) ? pulumi.runtime.unwrapRpcSecret(value) : value,
    ]),
  );
}

function toStruct(properties: Properties): Struct {
  return Struct.fromJavaScript(properties as Parameters<typeof Struct.fromJavaScript>[0]);
}

function fromStruct(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = "";
  return new Promise((resolve) => {
    stdout?.on("data", (chunk: string) => {
      text += chunk;
      const [line, ...rest] = text.split("\n");
      if (rest.length > 0) {
        resolve(line ?? "");
      }
    });
  });
}

async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`There was not ${what} within ${milliseconds} ms.`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

import type { TokenCredential } from "@azure/core-auth";
import { isRestError } from "@azure/core-rest-pipeline";
import { BlockBlobClient, newPipeline, type Pipeline } from "@azure/storage-blob";
import type { Clock, Waits } from "../keyVault/connection/waits";
import { CopyError, type CopyVerb, codeOf, UnknownHost } from "./copyError";
import { isKnownHost } from "./copyPlace";
import { type CopyFacts, type CopyStore, md5Of } from "./copyStore";

export interface BlobStorageOptions {
  readonly credential: (fresh: boolean) => TokenCredential;
  /** Whether a token also goes to hosts outside Azure. */
  readonly allowOtherHosts: boolean;
  readonly waits: Pick<Waits, "operation" | "read" | "notReady" | "transient" | "attempt">;
  readonly clock: Clock;
  /** Shows the user a line. */
  readonly print: (line: string) => void;
}

// With the default delay, half a minute.
const tries = 6;

/** Copies in Azure Blob Storage, with what is known of them in their metadata. */
export function blobStorage(options: BlobStorageOptions): CopyStore {
  const { credential, allowOtherHosts, waits, clock, print } = options;
  const pipelines = new Map<string, Pipeline>();
  let isFresh = false;
  let printedWaiting = false;

  function clientOf(uri: string): BlockBlobClient {
    if (!allowOtherHosts && !isKnownHost(uri)) {
      throw new UnknownHost();
    }
    const { origin } = new URL(uri);
    const pipeline =
      pipelines.get(origin) ??
      newPipeline(credential(isFresh), {
        retryOptions: { maxTries: tries, retryDelayInMs: waits.transient, maxRetryDelayInMs: 16 * waits.transient },
        userAgentOptions: { userAgentPrefix: "pulumi-azure-keyvault-backup" },
      });
    isFresh = false;
    pipelines.set(origin, pipeline);
    return new BlockBlobClient(uri, pipeline);
  }

  /** Repeats what got no whole answer, and what is refused for want of a role, which may have been assigned a moment ago. */
  async function carryOut<T>(
    verb: CopyVerb,
    uri: string,
    attempt: (client: BlockBlobClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const startedAt = clock.now();
    const bound = verb === "look at" ? Math.min(waits.read, waits.operation) : waits.operation;
    const signal = clock.timeout(bound);
    let [refusals, cuts] = [0, 0];
    for (;;) {
      try {
        return await attempt(clientOf(uri), AbortSignal.any([signal, clock.timeout(waits.attempt)]));
      } catch (error) {
        const waited = clock.now() - startedAt;
        const delay = waits.notReady[Math.min(refusals, waits.notReady.length - 1)] ?? 0;
        if (isPermissionMissing(error) && verb !== "look at" && waited + delay < bound) {
          refusals += 1;
          await waitForRole(new URL(uri), delay);
        } else if (isCut(error) && !signal.aborted && cuts < tries) {
          cuts += 1;
        } else {
          throw new CopyError(verb, uri, error, Math.round(waited / 1000));
        }
      }
    }
  }

  async function waitForRole({ host, origin }: URL, delay: number): Promise<void> {
    if (!printedWaiting) {
      printedWaiting = true;
      print(`Waiting up to ${waits.operation / 1000} s for a role assignment in ${host} to take effect.`);
    }
    await clock.sleep(delay);
    // Tokens list the groups of the time they were issued.
    pipelines.delete(origin);
    isFresh = true;
  }

  return {
    write: (uri, bytes, facts) =>
      carryOut("write", uri, async (client, abortSignal) => {
        try {
          await client.upload(bytes, bytes.length, {
            abortSignal,
            conditions: { ifNoneMatch: "*" },
            metadata: metadataOf(facts),
            blobHTTPHeaders: {
              blobContentMD5: Buffer.from(md5Of(bytes), "base64"),
              blobContentType: "application/octet-stream",
            },
          });
        } catch (error) {
          // A role that can only add blobs, or a policy that keeps them, may answer before the condition is looked at.
          const isThere =
            codeOf(error) === "BlobAlreadyExists" ||
            (isRefused(error) && (await client.exists({ abortSignal }).catch(() => false)));
          if (!isThere) {
            throw error;
          }
        }
      }),

    read: (uri) =>
      carryOut("read", uri, async (client, abortSignal) => {
        const { readableStreamBody } = await client.download(0, undefined, { abortSignal, maxRetryRequests: tries });
        const chunks: Buffer[] = [];
        for await (const chunk of readableStreamBody ?? []) {
          chunks.push(Buffer.from(chunk));
        }
        return Buffer.concat(chunks);
      }),

    async look(uri) {
      try {
        const found = await carryOut("look at", uri, (client, abortSignal) => client.getProperties({ abortSignal }));
        const { contentLength = 0, contentMD5 } = found;
        return {
          kind: "found",
          bytes: contentLength,
          contentMd5: contentMD5 && Buffer.from(contentMD5).toString("base64"),
        };
      } catch (error) {
        const code = codeOf((error as Error).cause);
        return code === "BlobNotFound" || code === "ContainerNotFound"
          ? { kind: "missing" }
          : { kind: "unreachable", error };
      }
    },
  };
}

// The metadata of a blob has 8 KiB at most.
const listedVersions = 200;

function metadataOf({ sourceUri, backedUpAt, sha256, versions }: CopyFacts): Record<string, string> {
  const metadata = {
    sourceuri: sourceUri,
    backedupat: backedUpAt,
    sha256,
    versioncount: `${versions.length}`,
    versions: versions.slice(0, listedVersions).join(","),
  };
  // The service takes no empty values.
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ""));
}

// So the SDK calls an answer that breaks off, and an attempt that is given up; it repeats neither.
function isCut(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function isRefused(error: unknown): boolean {
  return (
    isPermissionMissing(error) || /^(BlobImmutableDueToPolicy|UnauthorizedBlobOverwrite)$/.test(codeOf(error) ?? "")
  );
}

function isPermissionMissing(error: unknown): boolean {
  return isRestError(error) && error.statusCode === 403 && codeOf(error) === "AuthorizationPermissionMismatch";
}

import { BlobServiceClient, type BlockBlobClient, RestError, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { Certificate } from "../../../localVault/certificate";
import { type AzuriteProcess, startAzuriteProcess } from "./azuriteProcess";
import { type FaultProxy, startFaultProxy } from "./faultProxy";

export interface UserBlob {
  readonly bytes: Buffer;
  readonly metadata: Record<string, string>;
}

/** What the user of the account does beside the package: with the account's key, and past the proxy. */
export interface UserOfStorage {
  createContainer(name: string): Promise<void>;
  /** The path is the container, a slash, and the blob's name. Undefined if there is no such blob. */
  read(path: string): Promise<UserBlob | undefined>;
  /** Without metadata, the blob has none afterwards. */
  overwrite(path: string, bytes: Uint8Array, metadata?: Record<string, string>): Promise<void>;
  remove(path: string): Promise<void>;
  /** The paths of all blobs, in the order of their names. */
  list(): Promise<string[]>;
}

export interface Azurite
  extends UserOfStorage,
    Pick<FaultProxy, "requests" | "clearRequests" | "fail" | "clearFaults"> {
  /** The endpoint of the account through the proxy, without a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

// The account and the key that every Azurite has.
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

async function readBlob(blob: BlockBlobClient): Promise<UserBlob | undefined> {
  try {
    const { metadata = {} } = await blob.getProperties();
    return { bytes: await blob.downloadToBuffer(), metadata };
  } catch (error) {
    if (error instanceof RestError && error.statusCode === 404) return undefined;
    throw error;
  }
}

function userOf({ port }: AzuriteProcess, { certificatePem }: Certificate): UserOfStorage {
  const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
  // The clients hand the TLS options on, although their types do not have them.
  const options = { retryOptions: { maxTries: 2 }, tlsOptions: { ca: certificatePem } };
  const service = new BlobServiceClient(`https://127.0.0.1:${port}/${ACCOUNT}`, credential, options);
  const blobAt = (path: string) => {
    const [container = "", ...name] = path.split("/");
    return service.getContainerClient(container).getBlockBlobClient(name.join("/"));
  };
  return {
    createContainer: async (name) => {
      await service.createContainer(name);
    },
    read: (path) => readBlob(blobAt(path)),
    overwrite: async (path, bytes, metadata = {}) => {
      await blobAt(path).uploadData(bytes, { metadata });
    },
    remove: async (path) => {
      await blobAt(path).delete();
    },
    list: async () => {
      const paths: string[] = [];
      for await (const { name: container } of service.listContainers()) {
        for await (const { name } of service.getContainerClient(container).listBlobsFlat()) {
          paths.push(`${container}/${name}`);
        }
      }
      return paths;
    },
  };
}

/** Azure Blob Storage on loopback: Azurite, and a proxy before it that plays faults. */
export async function startAzurite(certificate: Certificate): Promise<Azurite> {
  const azurite = await startAzuriteProcess(certificate);
  const { port, stop, ...faults } = await startFaultProxy(azurite.port, certificate);
  return {
    ...userOf(azurite, certificate),
    ...faults,
    url: `https://127.0.0.1:${port}/${ACCOUNT}`,
    stop: async () => {
      await stop();
      await azurite.stop();
    },
  };
}

import type { BlobServiceClient } from "@azure/storage-blob";

/** What the stand-in has Azurite do. One account of Azurite is behind every storage account. */
export interface StorageControl {
  /** The endpoint of the account, with a slash at its end. */
  readonly blobEndpoint: string;
  createContainer(name: string): Promise<void>;
  hasContainer(name: string): Promise<boolean>;
  /** Deletes the container with all of its blobs. */
  deleteContainer(name: string): Promise<void>;
  deleteContainers(): Promise<void>;
}

/** Azurite at this address, for the identity that the environment names. */
export function storageControl(baseUri: string | undefined): StorageControl {
  let client: BlobServiceClient | undefined;

  function address(): string {
    if (!baseUri) {
      throw new Error("Set LOCAL_STORAGE_URI to the address of an account of Azurite.");
    }
    return baseUri;
  }

  // The clients take a second to load, and most programs have no storage account.
  function connect(): BlobServiceClient {
    const identity = require("@azure/identity") as typeof import("@azure/identity");
    const storage = require("@azure/storage-blob") as typeof import("@azure/storage-blob");
    return new storage.BlobServiceClient(address(), new identity.DefaultAzureCredential());
  }

  function service(): BlobServiceClient {
    client ??= connect();
    return client;
  }

  return {
    get blobEndpoint() {
      return `${address()}/`;
    },
    async createContainer(name) {
      await service().createContainer(name);
    },
    hasContainer: (name) => service().getContainerClient(name).exists(),
    async deleteContainer(name) {
      await service().deleteContainer(name);
    },
    async deleteContainers() {
      for await (const { name } of service().listContainers()) {
        await service().deleteContainer(name);
      }
    },
  };
}

import { describe, expect, it } from "@jest/globals";
import { copyUri } from "../../../src/backup/copies";

describe("the name of a copy", () => {
  const backup = {
    versions: [],
    blobSha256: `3f2a91bc${"0".repeat(56)}`,
    backedUpAt: "2026-03-07T04:05:06.789Z",
  };

  it.each([
    ["keys", "keybackup"],
    ["secrets", "secretbackup"],
    ["certificates", "certificatebackup"],
  ])("tells the vault, the object, the time and the hash: %s", (collection, extension) => {
    const sourceUri = `https://kv-prod.vault.azure.net/${collection}/orders`;
    expect(copyUri("https://account.blob.core.windows.net/backups", { ...backup, sourceUri })).toBe(
      `https://account.blob.core.windows.net/backups/kv-prod.vault.azure.net/${collection}/orders/20260307T040506Z-3f2a91bc.${extension}`,
    );
  });

  it.each([
    ["a date", { ...backup, sourceUri: "https://kv/keys/orders", backedUpAt: "" }],
    ["a source", { ...backup, sourceUri: "" }],
  ])("can be made although an edited state has no %s", (_, edited) => {
    expect(copyUri("file:///backups", edited)).toMatch(/^file:\/\/\/backups\/.*-3f2a91bc\./);
  });

  it("has no colon if the vault has a port", () => {
    const sourceUri = "https://localhost:8443/keys/orders";
    expect(copyUri("file:///backups", { ...backup, sourceUri })).toContain(
      "file:///backups/localhost-8443/keys/orders/",
    );
  });
});

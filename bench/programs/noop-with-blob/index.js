const pulumi = require("@pulumi/pulumi");
const { keys, blobLength } = require("./keys.json");

// Returns what a KeyBackup returns, without a request.
const provider = {
  async create(inputs) {
    const { keyUri, version, blobLength } = inputs;
    const now = new Date().toISOString();
    const outs = {
      ...inputs,
      keyUriWithVersion: `${keyUri}/${version}`,
      versions: [version],
      thumbprints: { [version]: "A".repeat(43) },
      updatedAt: now,
      tags: {},
      blob: "A".repeat(blobLength),
      blobSha256: "0".repeat(64),
      blobBytes: blobLength,
      backedUpAt: now,
      sourceStatus: "current",
      previous: {},
    };
    return { id: keyUri, outs };
  },
};

class NoopWithBlob extends pulumi.dynamic.Resource {
  constructor(name, args) {
    const outputs = {
      keyUriWithVersion: undefined,
      versions: undefined,
      thumbprints: undefined,
      updatedAt: undefined,
      tags: undefined,
      blob: undefined,
      blobSha256: undefined,
      blobBytes: undefined,
      backedUpAt: undefined,
      sourceStatus: undefined,
      previous: undefined,
    };
    super(provider, name, { ...args, ...outputs }, { additionalSecretOutputs: ["blob"] }, "bench", "NoopWithBlob");
  }
}

for (const { vaultUri, keyName, keyUri, version } of keys) {
  new NoopWithBlob(keyName, { vaultUri, keyName, keyUri, version, blobLength });
}

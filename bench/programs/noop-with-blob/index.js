const pulumi = require("@pulumi/pulumi");
const { keys, blobLength } = require("./keys.json");

const provider = {
  async create(inputs) {
    const { keyUri, keyVersion, blobLength } = inputs;
    const outs = {
      ...inputs,
      keyUriWithVersion: `${keyUri}/${keyVersion}`,
      keyVersions: [keyVersion],
      blob: "A".repeat(blobLength),
      blobSha256: "0".repeat(64),
      backedUpAt: new Date().toISOString(),
    };
    return { id: keyUri, outs };
  },
};

class NoopWithBlob extends pulumi.dynamic.Resource {
  constructor(name, args) {
    const outputs = {
      keyUriWithVersion: undefined,
      keyVersions: undefined,
      blob: undefined,
      blobSha256: undefined,
      backedUpAt: undefined,
    };
    super(provider, name, { ...args, ...outputs }, { additionalSecretOutputs: ["blob"] }, "bench", "NoopWithBlob");
  }
}

for (const { vaultUri, keyName, keyUri, keyVersion } of keys) {
  new NoopWithBlob(keyName, { vaultUri, keyName, keyUri, keyVersion, blobLength });
}

const pulumi = require("@pulumi/pulumi");
const { keys } = require("./keys.json");

const provider = {
  async create(inputs) {
    return { id: inputs.keyUri, outs: inputs };
  },
};

class Noop extends pulumi.dynamic.Resource {
  constructor(name, args) {
    super(provider, name, args, undefined, "bench", "Noop");
  }
}

// The inputs that KeyBackup has once its provider has completed them.
for (const { vaultUri, keyName, keyUri, keyVersion } of keys) {
  new Noop(keyName, { vaultUri, keyName, keyUri, keyVersion });
}

// Loaded ahead of a program, in its folder: lets it run without an engine, and tells at its end what it made and loaded.
const pulumi = require("@pulumi/pulumi");

if (process.argv[1]?.endsWith(".ts")) {
  const { tsnodeRequire, typescriptRequire } = require("@pulumi/pulumi/tsutils").typeScriptRequireStrings();
  require(tsnodeRequire).register({ compiler: typescriptRequire, transpileOnly: true });
}

const registered = [];
const loadedBefore = new Set(Object.keys(require.cache));

pulumi.runtime.setMocks({
  newResource({ type, inputs }) {
    registered.push({ type, inputs });
    return { id: "https://kv.vault.azure.net/keys/orders", state: inputs };
  },
  call: () => ({}),
});

process.on("exit", () => {
  const loaded = Object.keys(require.cache).filter((file) => !loadedBefore.has(file));
  process.stdout.write(JSON.stringify({ registered, loaded }));
});

import { spawn } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { provideEngine } from "../engine/provideEngine";
import { LocalKeyVault } from "../test/support/localKeyVault";
import { pulumiEnvironment } from "../test/support/pulumi/pulumiEnvironment";
import { restore } from "../test/support/restore";

const root = path.resolve(__dirname, "..");
const stack = "demo";

function say(text: string): void {
  process.stdout.write(`\n=== ${text}\n`);
}

/** The example, with a vault on this machine, an engine and a backend that live as long as the demo. */
async function demo(): Promise<void> {
  const { bin, version, source } = await provideEngine({ progress: (line) => process.stdout.write(`${line}\n`) });
  const folder = await mkdtemp(path.join(tmpdir(), "key-backup-demo-"));
  const service = await LocalKeyVault.start();
  try {
    await run(service, folder, bin, `Pulumi ${version} (${source === "PATH" ? "the one on PATH" : "built here"})`);
  } finally {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
    await rm(path.join(root, `Pulumi.${stack}.yaml`), { force: true });
  }
}

async function run(service: LocalKeyVault, folder: string, engine: string, engineName: string): Promise<void> {
  const [home, backend] = [path.join(folder, "home"), path.join(folder, "backend")];
  await Promise.all([mkdir(home), mkdir(backend)]);
  const env = pulumiEnvironment({ engine, home, backend, env: service.environment() });
  const pulumi = (...args: string[]) => command("pulumi", [...args, "--stack", stack], env);

  const vault = await service.createVault("kv-demo");
  const created = await vault.createKey("orders", { kty: "RSA" });
  say(`${engineName}. A local stand-in for Azure Key Vault, at ${vault.vaultUri}, has the key "orders".`);
  await command("pulumi", ["stack", "init", stack], env);
  await pulumi("config", "set", "azure-keyvault-backup:disableChallengeResourceVerification", "true");
  await pulumi("config", "set", "keyUri", created.keyUri);

  say("pulumi up: the key is backed up.");
  await pulumi("up", "--yes");

  const rotated = await vault.rotateKey("orders");
  say(
    `The key was rotated to version ${rotated.version}. The next pulumi up --refresh sees it and makes a new backup.`,
  );
  await pulumi("up", "--refresh", "--yes");

  say("The state holds the blob encrypted, and a command tells it to those who may decrypt the state:");
  await pulumi("stack", "output");
  const blob = await output("pulumi", ["stack", "output", "blob", "--show-secrets", "--stack", stack], env);

  say("The key is lost: deleted and purged. What the blob restores signs like the key that is gone.");
  const digest = createHash("sha256").update("an order").digest();
  const publicKey = createPublicKey({ key: vault.publicJwk("orders", created.version), format: "jwk" });
  vault.deleteKey("orders");
  vault.purgeKey("orders");
  const { vault: other, versions } = await restore(service, blob.trim());
  const isSame = verify("sha256", Buffer.from("an order"), publicKey, other.sign("orders", created.version, digest));
  process.stdout.write(`Restored versions: ${versions.join(", ")}. Signature verified by the lost key: ${isSame}.\n`);
  if (versions.length !== 2 || !isSame) {
    throw new Error("The blob did not restore the key.");
  }

  say("pulumi destroy is refused: the blob in the state may be the only copy of the key.");
  await fails("pulumi", ["destroy", "--yes", "--stack", stack], env);

  say("The key is restored into its vault. pulumi destroy: the blob leaves the state.");
  await vault.restoreKey(blob.trim());
  await pulumi("destroy", "--yes");
  await command("pulumi", ["stack", "rm", stack, "--yes"], env);
  say(`The same with a vault in Azure, in this folder, with the Pulumi CLI and az login:

  pulumi stack init dev
  pulumi config set keyUri https://<vault>.vault.azure.net/keys/<key>
  pulumi up
`);
}

function command(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, "--non-interactive"], {
      cwd: root,
      env,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(" ")} ended with ${code}.`)),
    );
  });
}

async function fails(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const hasFailed = await command(program, args, env).then(
    () => false,
    () => true,
  );
  if (!hasFailed) {
    throw new Error(`${program} ${args.join(" ")} was to fail, and did not.`);
  }
}

function output(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

demo().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});

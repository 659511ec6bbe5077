import { spawn } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { provideEngine } from "../engine/provideEngine";
import { LocalKeyVault } from "../localVault/localKeyVault";
import { pulumiEnvironment } from "../engine/pulumiEnvironment";

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
  const scratch = await service.createVault("kv-scratch");
  const created = await vault.createKey("orders", { kty: "RSA" });
  say(`${engineName}. A local stand-in for Azure Key Vault, at ${vault.vaultUri}, has the key "orders".`);
  await command("pulumi", ["stack", "init", stack], env);
  await pulumi("config", "set", "azure-keyvault-backup:disableChallengeResourceVerification", "true");
  await pulumi("config", "set", "keyUri", created.keyUri);
  await pulumi("config", "set", "bringBack", "true");
  await pulumi("config", "set", "scratchVaultUri", scratch.vaultUri);

  say("pulumi up: the key is backed up, and a drill proves the backup in a scratch vault.");
  await pulumi("up", "--yes");

  const rotated = await vault.rotateKey("orders");
  say(
    `The key was rotated to version ${rotated.version}. The next pulumi up --refresh sees it, makes a new backup, and ` +
      "proves that.",
  );
  await pulumi("up", "--refresh", "--yes");

  say("The drill's evidence, for each version of the key:");
  await pulumi("stack", "output", "evidence");

  say("The key is lost: deleted and purged. What it has signed is kept.");
  const order = Buffer.from("an order");
  const digest = createHash("sha256").update(order).digest();
  const publicKey = createPublicKey({ key: vault.publicJwk("orders", created.version), format: "jwk" });
  const signature = vault.sign("orders", created.version, digest);
  vault.deleteKey("orders");
  vault.purgeKey("orders");

  say("pulumi destroy is refused: the blob in the state may be the only copy of the key.");
  await fails("pulumi", ["destroy", "--yes", "--stack", stack], env);

  say("pulumi up brings the key back, from the blob in the state.");
  await pulumi("up", "--yes");
  const versions = vault.keyVersions("orders").map(({ version }) => version);
  const isVerified = verify("sha256", order, publicKey, signature);
  const signsAlike = verify("sha256", order, publicKey, vault.sign("orders", created.version, digest));
  process.stdout.write(
    `\nVersions: ${versions.join(", ")}. Signature from before the loss: ${isVerified ? "verified" : "not verified"}. New ` +
      `signature by the restored key, verified by the lost one's public key: ${signsAlike}.\n`,
  );
  if (versions.length !== 2 || !isVerified || !signsAlike || scratch.keyNames.length > 0) {
    throw new Error("The key was not brought back as it was.");
  }

  say("pulumi destroy: the blob leaves the state, and the key stays.");
  await pulumi("destroy", "--yes");
  await command("pulumi", ["stack", "rm", stack, "--yes"], env);
  say(`The same with vaults in Azure, in this folder, with the Pulumi CLI and az login:

  pulumi stack init dev
  pulumi config set keyUri https://<vault>.vault.azure.net/keys/<key>
  pulumi config set bringBack true                                            # to restore the key when it is gone
  pulumi config set scratchVaultUri https://<scratch-vault>.vault.azure.net/  # to prove each backup
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

demo().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});

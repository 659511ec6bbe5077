import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { installPackage } from "../engine/installPackage";
import { provideEngine } from "../engine/provideEngine";
import { type CommandResult, finished, PulumiProject } from "../engine/pulumiProject";
import { LocalKeyVault } from "../localVault/localKeyVault";
import type { LocalVault } from "../localVault/localVault";
import { doneIn, messagesIn, tailOf } from "./engineOutput";
import { quote, say, table } from "./narration";

const usage = "Usage: npm run demo [-- --verbose]";
const keyName = "orders";

/** The outputs of the example, with the blob as the engine shows it. */
interface Outputs {
  readonly versions: readonly string[];
  readonly blob: string;
  readonly blobSha256: string;
  readonly backedUpAt: string;
  readonly restoreStatus: string;
  readonly evidence: {
    readonly outcome: string;
    readonly durationMs: number;
    readonly checks: readonly Readonly<Record<"version" | "versionId" | "publicKey" | "privateKey", string>>[];
  };
}

let step = 0;
let lastOutput = "";
let isVerbose = false;

function begin(title: string): void {
  step += 1;
  process.stdout.write(`\n${step}. ${title}\n`);
}

/** @throws An error that says what the step did not do. */
function check(isDone: boolean, failure: string): void {
  if (!isDone) {
    throw new Error(failure);
  }
}

async function demo(): Promise<void> {
  const { bin, version } = await provideEngine({ progress: (line) => process.stderr.write(`${line}\n`) });
  const installed = await mkdtemp(path.join(tmpdir(), "key-backup-demo-"));
  const service = await LocalKeyVault.start();
  let project: PulumiProject | undefined;
  try {
    await installPackage(installed);
    const vault = await service.createVault("kv-orders");
    const scratch = await service.createVault("kv-scratch");
    const { uri: keyUri, version: firstVersion } = await vault.keys.create(keyName, { kty: "RSA" });
    project = await PulumiProject.create({
      engine: bin,
      installed,
      files: await exampleFiles(),
      env: service.environment(),
      config: {
        "azure-keyvault-backup:disableChallengeResourceVerification": "true",
        keyUri,
        bringBack: "true",
        scratchVaultUri: scratch.vaultUri,
      },
    });
    say(
      `Pulumi ${version} runs example/index.ts. A server on this machine stands in for Azure Key Vault. Its vaults:`,
      "",
    );
    say(`kv-orders, ${vault.vaultUri}, with the RSA key "${keyName}", and kv-scratch for drills.`, "");
    await run({ project, vault, scratch, firstVersion });
  } finally {
    await project?.remove();
    await service.stop();
    await rm(installed, { recursive: true, force: true });
  }
}

/** The files that a user of this repository runs, in a project of its own. */
async function exampleFiles(): Promise<Record<string, string>> {
  const files = { "package.json": '{ "private": true }' };
  for (const file of ["Pulumi.yaml", "example/index.ts", "example/tsconfig.json"]) {
    Object.assign(files, { [file]: await readFile(path.resolve(__dirname, "..", file), "utf8") });
  }
  return files;
}

interface Scene {
  readonly project: PulumiProject;
  readonly vault: LocalVault;
  readonly scratch: LocalVault;
  readonly firstVersion: string;
}

async function run({ project, vault, scratch, firstVersion }: Scene): Promise<void> {
  begin("Back up the key, and prove the backup");
  await succeeds(project, "up", "--yes");
  const first = await outputsOf(project);
  showBackup(first);
  check(first.blob === "[secret]", "the blob is not a secret output");
  check(first.versions.join() === firstVersion, `the backup does not hold version ${firstVersion}`);
  check(first.evidence.outcome === "verified", "the drill did not verify the backup");

  begin("Rotate the key: the next update makes a new backup and proves that too");
  const { version: secondVersion } = await vault.keys.rotate(keyName);
  const versions = [secondVersion, firstVersion];
  say(`The key was rotated to version ${secondVersion}.`);
  await succeeds(project, "up", "--refresh", "--yes");
  const second = await outputsOf(project);
  showBackup(second);
  check(second.blobSha256 !== first.blobSha256, "no new backup was made");
  check(second.versions.join() === versions.join(), `the backup does not hold the versions ${versions.join(" and ")}`);

  begin("The evidence of the drill");
  const { outcome, durationMs, checks } = second.evidence;
  say(`The backup was restored into kv-scratch and compared with the key in ${durationMs} ms. Outcome: ${outcome}.`);
  table([
    ["version", "version id", "public key", "private key"],
    ...checks.map(({ version, versionId, publicKey, privateKey }) => [version, versionId, publicKey, privateKey]),
  ]);
  check(outcome === "verified", "the drill did not verify the backup");
  check(checks.map(({ version }) => version).join() === versions.join(), "the drill did not check both versions");
  check(scratch.keys.names.length === 0 && !scratch.keys.isDeleted(keyName), "the drill left a copy in kv-scratch");
  say("The copy was deleted and purged.");

  begin("Lose the key");
  const order = Buffer.from("an order");
  const digest = createHash("sha256").update(order).digest();
  const publicKey = createPublicKey({ key: vault.keys.publicJwk(keyName, firstVersion), format: "jwk" });
  const signature = vault.keys.sign(keyName, firstVersion, digest);
  vault.keys.delete(keyName);
  vault.keys.purge(keyName);
  check(vault.keys.names.length === 0 && !vault.keys.isDeleted(keyName), "the vault still has the key");
  say("The key signed an order, then it was deleted and purged. The demo kept the signature and the public key.");

  begin("pulumi destroy is refused: the backup may be the only copy");
  const refused = await pulumi(project, "destroy", "--yes");
  const reason = messagesIn(refused.output).find((message) => message.includes("only copy"));
  check(refused.code !== 0 && reason !== undefined, "destroy was not refused");
  quote(reason ?? "");
  check((await project.backups()).length === 1, "the backup is not in the state any more");
  say("The backup is still in the state. The next pulumi up adds the other two resources again.");

  begin("pulumi up brings the key back, from the blob in the state");
  await succeeds(project, "up", "--yes");
  const third = await outputsOf(project);
  table([["restoreStatus", third.restoreStatus]]);
  const restored = vault.keys.versions(keyName).map(({ version }) => version);
  check(restored.toReversed().join() === versions.join(), "the key does not have the versions that it had");
  say(`kv-orders has the key "${keyName}" again, with both versions under their old identifiers.`);

  begin("The restored key is the key that was lost");
  const isOldVerified = verify("sha256", order, publicKey, signature);
  const isNewVerified = verify("sha256", order, publicKey, vault.keys.sign(keyName, firstVersion, digest));
  table([
    ["signature from before the loss", isOldVerified ? "verified" : "not verified"],
    ["new signature by the restored key", isNewVerified ? "verified" : "not verified"],
  ]);
  check(isOldVerified && isNewVerified, "the restored key does not sign as the lost key did");

  begin("pulumi destroy succeeds, because the vault has every version that the backup holds");
  await succeeds(project, "destroy", "--yes");
  check((await project.resources()).length === 0, "the state still has resources");
  check(vault.keys.has(keyName), "the key was deleted too");
  say("The blob is gone from the state. The key stays in the vault.");

  process.stdout.write(`
To do the same with vaults in Azure, run in this folder, with the Pulumi CLI and after az login:

   pulumi stack init dev
   pulumi config set keyUri https://<vault>.vault.azure.net/keys/<key>
   pulumi config set bringBack true                                            # restores the key when it is lost
   pulumi config set scratchVaultUri https://<scratch-vault>.vault.azure.net/  # proves each backup
   pulumi up
`);
}

/** Runs a command, and shows what it did and what the resources printed. */
async function succeeds(project: PulumiProject, ...args: readonly string[]): Promise<void> {
  const { code, output } = await pulumi(project, ...args);
  check(code === 0, `pulumi ${args.join(" ")} ended with ${code}`);
  say(`${doneIn(output).join(", ") || "no resource changed"}.`, "     ");
  messagesIn(output).forEach(quote);
}

async function pulumi(project: PulumiProject, ...args: readonly string[]): Promise<CommandResult> {
  say(`$ pulumi ${args.join(" ")}`);
  const child = project.start(args);
  if (isVerbose) {
    child.stdout?.pipe(process.stdout, { end: false });
    child.stderr?.pipe(process.stderr, { end: false });
  }
  const result = await finished(child);
  lastOutput = result.output;
  return result;
}

/** The outputs as `pulumi stack output` shows them, secrets hidden. */
async function outputsOf(project: PulumiProject): Promise<Outputs> {
  const { stdout } = await finished(project.start(["stack", "output", "--json"]));
  return JSON.parse(stdout) as Outputs;
}

function showBackup({ versions, blob, blobSha256, backedUpAt, evidence }: Outputs): void {
  table([
    ["versions", versions.join(", ")],
    ["blob", blob],
    ["blobSha256", blobSha256],
    ["backedUpAt", backedUpAt],
    ["drill", evidence.outcome],
  ]);
}

function optionsIn(args: readonly string[]): { readonly verbose: boolean } {
  try {
    return parseArgs({ args: [...args], options: { verbose: { type: "boolean", default: false } } }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${usage}`, { cause: error });
  }
}

async function main(): Promise<void> {
  isVerbose = optionsIn(process.argv.slice(2)).verbose;
  // An interrupt reaches the engine too. The step fails, and the demo cleans up.
  process.once("SIGINT", () => {});
  await demo();
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const tail = isVerbose || lastOutput === "" ? "" : `\nThe end of the engine's output:\n\n${tailOf(lastOutput)}\n`;
  process.stderr.write(step === 0 ? `${message}\n` : `\nStep ${step} failed: ${message}.\n${tail}`);
  process.exitCode = 1;
});

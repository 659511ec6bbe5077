import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { installPackage } from "../engine/installPackage";
import { provideEngine } from "../engine/provideEngine";
import { type CommandResult, finished, PulumiProject } from "../engine/pulumiProject";
import { LocalKeyVault } from "../localVault/localKeyVault";
import type { LocalVault } from "../localVault/localVault";
import { doneIn, messagesIn, tailOf } from "./engineOutput";
import { quote, say, table } from "./narration";

const usage = "Usage: npm run demo [-- --verbose]";
const names = { key: "orders", secret: "password", certificate: "web" } as const;

/** The outputs of the example, with the blobs as the engine shows them. */
interface Outputs {
  readonly recorded: readonly {
    readonly kind: keyof typeof names;
    readonly versions: readonly string[];
    readonly blob: string;
    readonly blobSha256: string;
    readonly copies: readonly { readonly uri: string; readonly status: string }[];
  }[];
  readonly restored: readonly string[];
  readonly evidence: readonly {
    readonly copyUri: string;
    readonly outcome: string;
    readonly durationMs: number;
    readonly checks: readonly (Readonly<Record<string, string>> & { readonly version: string })[];
  }[];
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
  const installed = await mkdtemp(path.join(tmpdir(), "key-vault-backup-demo-"));
  const service = await LocalKeyVault.start();
  let project: PulumiProject | undefined;
  try {
    await installPackage(installed);
    const vault = await service.createVault("kv-orders");
    const scratch = await service.createVault("kv-scratch");
    await vault.keys.create(names.key, { kty: "RSA" });
    await vault.secrets.create(names.secret);
    await vault.certificates.create(names.certificate, { kty: "RSA" });
    project = await PulumiProject.create({
      engine: bin,
      installed,
      files: await exampleFiles(),
      env: service.environment(),
      config: {
        "azure-keyvault-backup:disableChallengeResourceVerification": "true",
        ...names,
        vaultUri: vault.vaultUri,
        bringBack: "true",
        scratchVaultUri: scratch.vaultUri,
      },
    });
    say(
      `Pulumi ${version} runs example/index.ts. A server on this machine stands in for Azure Key Vault. Its vaults:`,
      "",
    );
    const { key, secret, certificate } = names;
    say(`kv-orders, with the key "${key}", the secret "${secret}" and the certificate "${certificate}";`, "");
    say("kv-scratch, for drills.", "");
    await run({ project, vault, scratch });
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
}

const collections = { key: "keys", secret: "secrets", certificate: "certificates" } as const;
const kinds = ["key", "secret", "certificate"] as const;

/** The object of a kind. */
function objectIn(vault: LocalVault, kind: (typeof kinds)[number]) {
  const objects = vault.collection(collections[kind]);
  const name = names[kind];
  return {
    versions: () => objects.versions(name).map(({ version }) => version),
    isGone: () => !objects.has(name) && !objects.isDeleted(name),
    rotate: () => objects.rotate(name),
    lose() {
      objects.delete(name);
      objects.purge(name);
    },
  };
}

async function run({ project, vault, scratch }: Scene): Promise<void> {
  const source = kinds.map((kind) => objectIn(vault, kind));
  const copies = kinds.map((kind) => objectIn(scratch, kind));

  begin("Back up a key, a secret and a certificate, and prove the backups");
  await succeeds(project, "up", "--yes");
  const first = await outputsOf(project);
  showBackups(first);
  check(
    first.recorded.every(({ blob }) => blob === "[secret]"),
    "a blob is not a secret output",
  );
  checkVersions(first, source);

  begin("Renew all three: the next update makes new backups and proves those too");
  for (const object of source) {
    await object.rotate();
  }
  say("The key was rotated, the secret has a new value, and the certificate was issued again.");
  await succeeds(project, "up", "--refresh", "--yes");
  const second = await outputsOf(project);
  showBackups(second);
  checkVersions(second, source);

  begin("The evidence of the drills");
  for (const { copyUri, outcome, durationMs, checks } of second.evidence) {
    const name = new URL(copyUri).pathname.slice(1);
    say(`${name} was restored into kv-scratch and compared with its source in ${durationMs} ms: ${outcome}.`);
    const columns = [...new Set(["version", "versionId", ...checks.flatMap((results) => Object.keys(results))])];
    table([columns, ...checks.map((results) => columns.map((column) => results[column] ?? ""))]);
    check(checks.length === 2, `the drill did not check both versions of ${name}`);
  }
  check(
    copies.every((copy) => copy.isGone()),
    "the drills left a copy in kv-scratch",
  );
  say("The copies were deleted and purged. No value of a secret was printed or stored.");

  begin("Lose all three");
  const order = Buffer.from("an order");
  const digest = createHash("sha256").update(order).digest();
  const [firstVersion = ""] = source[0]?.versions() ?? [];
  const publicKey = createPublicKey({ key: vault.keys.publicJwk(names.key, firstVersion), format: "jwk" });
  const signature = vault.keys.sign(names.key, firstVersion, digest);
  const value = vault.secrets.value(names.secret);
  const { fingerprint } = vault.certificates.x509(names.certificate);
  for (const object of source) {
    object.lose();
  }
  check(
    source.every((object) => object.isGone()),
    "the vault still has an object",
  );
  say("The key signed an order, then all three were deleted and purged.");

  begin("pulumi destroy is refused: the backups may be the only copies");
  const refused = await pulumi(project, "destroy", "--yes");
  const reason = messagesIn(refused.output).find((message) => message.includes("only copy"));
  check(refused.code !== 0 && reason !== undefined, "destroy was not refused");
  quote(reason ?? "");
  check((await project.backups()).length === 3, "a backup is not in the state any more");
  say("The backups are still in the state. The next pulumi up adds the other resources again.");

  begin("pulumi up brings them back, from the blobs in the state");
  await succeeds(project, "up", "--yes");
  const third = await outputsOf(project);
  table(kinds.map((kind, index) => [kind, third.restored[index] ?? ""]));
  checkVersions(third, source);
  say("kv-orders has all three again, with both versions of each under their old identifiers.");

  begin("What was restored is what was lost");
  const isOldVerified = verify("sha256", order, publicKey, signature);
  const isNewVerified = verify("sha256", order, publicKey, vault.keys.sign(names.key, firstVersion, digest));
  const isValueEqual = vault.secrets.value(names.secret) === value;
  const isCertificateEqual = vault.certificates.x509(names.certificate).fingerprint === fingerprint;
  table([
    ["signature from before the loss", isOldVerified ? "verified" : "not verified"],
    ["new signature by the restored key", isNewVerified ? "verified" : "not verified"],
    ["value of the restored secret", isValueEqual ? "equal" : "not equal"],
    ["restored certificate", isCertificateEqual ? "equal" : "not equal"],
  ]);
  check(isOldVerified && isNewVerified, "the restored key does not sign as the lost key did");
  check(isValueEqual && isCertificateEqual, "the restored secret or certificate is another");

  begin("Keep copies outside the state, in a directory");
  const place = path.join(project.folder, "copies");
  await mkdir(place);
  await project.configure({ copyTo: pathToFileURL(place).href });
  await runs(project, "up", "--yes");
  const written = (await outputsOf(project)).recorded.flatMap((backup) => backup.copies);
  check(written.length === 3 && written.every(({ status }) => status === "verified"), "a copy was not written");
  say("Each copy is the file that az keyvault key restore (secret, certificate) takes:");
  table(written.map(({ uri }) => [path.relative(place, fileURLToPath(uri))]));

  begin("pulumi destroy succeeds, although the key is lost again: the copies stay");
  source[0]?.lose();
  say("The key was deleted and purged.");
  const destroyed = await runs(project, "destroy", "--yes");
  quote(messagesIn(destroyed).find((message) => message.startsWith("KeyBackup")) ?? "");
  check((await project.resources()).length === 0, "the state still has resources");

  begin("A copy alone brings the key back, without Pulumi and without the state");
  const [{ uri = "" } = {}] = written;
  check(
    await vault.keys.restore((await readFile(fileURLToPath(uri))).toString("base64url")),
    "the copy was not restored",
  );
  const isCopyVerified = verify("sha256", order, publicKey, vault.keys.sign(names.key, firstVersion, digest));
  table([["new signature by the key from the copy", isCopyVerified ? "verified" : "not verified"]]);
  check(isCopyVerified, "the key from the copy does not sign as the lost key did");

  process.stdout.write(`
To do the same with vaults in Azure, run in this folder, with the Pulumi CLI and after az login:

   pulumi stack init dev
   pulumi config set vaultUri https://<vault>.vault.azure.net/
   pulumi config set key <key>
   pulumi config set secret <secret>
   pulumi config set certificate <certificate>
   pulumi config set copyTo https://<account>.blob.core.windows.net/<container> # keeps copies outside the state
   pulumi config set bringBack true                                            # restores what is lost
   pulumi config set scratchVaultUri https://<scratch-vault>.vault.azure.net/  # proves each backup
   pulumi up
`);
}

/** Runs a command, and shows what it did and what the resources printed. */
async function succeeds(project: PulumiProject, ...args: readonly string[]): Promise<void> {
  messagesIn(await runs(project, ...args)).forEach(quote);
}

/** Runs a command, and shows what it did. Returns all that it printed. */
async function runs(project: PulumiProject, ...args: readonly string[]): Promise<string> {
  const { code, output } = await pulumi(project, ...args);
  check(code === 0, `pulumi ${args.join(" ")} ended with ${code}`);
  say(`${doneIn(output).join(", ") || "no resource changed"}.`, "     ");
  return output;
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

function showBackups({ recorded, evidence }: Outputs): void {
  table([
    ["", "versions", "blob", "blobSha256", "drill"],
    ...recorded.map(({ kind, versions, blob, blobSha256 }, index) => [
      kind,
      `${versions.length}`,
      blob,
      `${blobSha256.slice(0, 16)}...`,
      evidence[index]?.outcome ?? "",
    ]),
  ]);
}

/** Checks that each backup holds the versions that are in the vault, and is proved. */
function checkVersions({ recorded, evidence }: Outputs, source: readonly ReturnType<typeof objectIn>[]): void {
  for (const [index, { kind, versions }] of recorded.entries()) {
    const present = source[index]?.versions().toReversed();
    check(versions.join() === present?.join(), `the backup of the ${kind} does not hold the versions of the ${kind}`);
  }
  check(
    evidence.length === 3 && evidence.every(({ outcome }) => outcome === "verified"),
    "a drill did not verify its backup",
  );
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

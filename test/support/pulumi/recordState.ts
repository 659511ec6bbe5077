import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { installPackage } from "../../../engine/installPackage";
import { provideEngine } from "../../../engine/provideEngine";
import { PulumiProject } from "../../../engine/pulumiProject";
import { version } from "../../../package.json";
import { startRecordedVaults } from "./recordedState";

/**
 * Records the state that this release writes for the program test/e2e/recorded/<version>/index.js:
 * `npm run build && npx tsx test/support/pulumi/recordState.ts`
 */
async function recordState(): Promise<void> {
  const folder = path.resolve(__dirname, "../../e2e/recorded", version);
  const installed = await mkdtemp(path.join(tmpdir(), "installed-"));
  await installPackage(installed);
  const { bin } = await provideEngine();
  const { service, source, clientSecret, env, fromRecording, toRecording } = await startRecordedVaults();
  await source.keys.create("orders");
  await source.secrets.create("password");
  await source.certificates.create("web");
  const program = await readFile(path.join(folder, "index.js"), "utf8");
  const project = await PulumiProject.create({
    installed,
    engine: bin,
    files: {
      "package.json": '{ "name": "infrastructure", "main": "index.js" }',
      "index.js": fromRecording(program),
    },
    env,
    config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true" },
  });
  await project.configure({ clientSecret }, true);
  await project.succeeds("up", "--skip-preview");
  // The second backups retain the first ones, and the replicas lack a version.
  await source.keys.rotate("orders");
  await source.secrets.rotate("password");
  await source.certificates.rotate("web");
  await project.succeeds("up", "--skip-preview", "--refresh");
  await writeFile(path.join(folder, "state.json"), withoutPositions(toRecording(await project.stateText())));
  await cp(path.join(project.folder, "Pulumi.dev.yaml"), path.join(folder, "configuration.yaml"));
  await project.remove();
  await service.stop();
  await rm(installed, { recursive: true, force: true });
}

/** A state without the paths of the machine that recorded it. */
function withoutPositions(state: string): string {
  const isPosition = (name: string) => name === "sourcePosition" || name === "stackTrace";
  return `${JSON.stringify(JSON.parse(state), (name, value) => (isPosition(name) ? undefined : value), 1)}\n`;
}

void recordState();

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { installPackage } from "../../../engine/installPackage";
import { provideEngine } from "../../../engine/provideEngine";

/** Before the suites that need them: an engine, and the package as npm would install it. */
export default async function installForTests(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "installed-"));
  process.env.INSTALLED_FOR_TESTS = folder;
  await installPackage(folder);
  const { bin } = await provideEngine({ progress: (line) => process.stderr.write(`${line}\n`) });
  process.env.ENGINE_FOR_TESTS = bin;
}

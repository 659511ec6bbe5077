import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { installPackage } from "../../../engine/installPackage";
import { provideEngine } from "../../../engine/provideEngine";
import { provideAzurite } from "../azurite/provideAzurite";

/** Before the suites that need them: the package as npm would install it, an engine, and Azurite. */
export default async function installForTests(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "installed-"));
  process.env.INSTALLED_FOR_TESTS = folder;
  await installPackage(folder);
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const { bin } = await provideEngine({ progress });
  await provideAzurite({ progress });
  process.env.ENGINE_FOR_TESTS = bin;
}

import type { PulumiProject } from "../../../engine/pulumiProject";
import { leaksIn } from "../leaks";

/** Removes a project, after a search of all that its commands printed and wrote for what must not stand there in clear. */
export async function endProject(
  project: PulumiProject,
  secrets: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<void> {
  const leaks = leaksIn(`${project.printed}\n${await project.files()}`, secrets);
  await project.remove();
  if (leaks.length > 0) throw new Error(`A project has in clear: ${leaks.join(", ")}.`);
}

import { descendantsOf } from "../engine/descendantsOf";
import { finished, type PulumiProject } from "../engine/pulumiProject";

const endAfterMilliseconds = 200_000;

/** Runs a command that must succeed, and ends it with all that it started when the signal or its time comes. */
export async function pulumiCommand(
  project: PulumiProject,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ stdout: string; milliseconds: number }> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const child = project.start(args);
  const bound = AbortSignal.any([signal, AbortSignal.timeout(endAfterMilliseconds)]);
  const end = () => endAll(child.pid);
  bound.addEventListener("abort", end, { once: true });
  try {
    const { code, stdout, output } = await finished(child);
    const milliseconds = performance.now() - startedAt;
    bound.throwIfAborted();
    if (code !== 0) {
      throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    }
    return { stdout, milliseconds };
  } finally {
    bound.removeEventListener("abort", end);
  }
}

function endAll(id: number | undefined): void {
  if (id === undefined) {
    return;
  }
  for (const each of [...descendantsOf(id).map((descendant) => descendant.id), id]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

import { diagnosticsIn } from "../../../engine/pulumiProject";

/** How often a command printed a text. */
export function timesPrinted(output: string, text: string): number {
  return output.split(text).length - 1;
}

/** The lines of stack traces among what a command printed. */
export function stackLinesIn(output: string): string[] {
  return output.split("\n").filter((line) => /^\s*(pulumi:\S+ .*)?\s+at .+(:\d+:\d+\)?|\(<anonymous>\))$/.test(line));
}

/** The errors of a command's summary. The engine's own "update failed" is not among them. */
export function errorsIn(output: string): string[] {
  return diagnosticsIn(output).filter(
    (line) => /^\s*error: /.test(line) && !/error: (update|preview) failed$/.test(line),
  );
}

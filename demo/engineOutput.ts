/** What was done to the package's resources, in the order of the engine's lines: `KeyBackup created`. */
export function doneIn(output: string): string[] {
  const lines = lastRun(output).matchAll(/^ . +\S+\/keyvault:(\w+) \S+ (created|updated|replaced|deleted)\b/gm);
  const done = [...lines].map(([, type, verb]) => `${type} ${verb}`);
  return [...new Set(done)].map((one) => {
    const count = done.filter((other) => other === one).length;
    return count === 1 ? one : `${count} ${one}`;
  });
}

/** The lines that the resources printed, and the errors, each once and without its link to the documentation. */
export function messagesIn(output: string): string[] {
  const [, diagnostics = ""] = lastRun(output).split("\nDiagnostics:\n");
  const [listed = ""] = diagnostics.split(/^\S/m);
  const messages = [...listed.matchAll(/^ {4}(\S.*)$/gm)].map(([, line = ""]) =>
    line.replace(/^error: /i, "").replace(/ More: https:.*$/, ""),
  );
  return [...new Set(messages)].filter((message) => message !== "update failed");
}

/** The end of an output, for an error message. */
export function tailOf(output: string, lines = 30): string {
  return output.trimEnd().split("\n").slice(-lines).join("\n");
}

/** Without the preview, which the engine prints first in the same form. */
function lastRun(output: string): string {
  return output.split(/^(?:Updating|Destroying) \(/m).at(-1) ?? output;
}

const said = new Set<string>();

/** Tells the user a line about a key of a resource: once in a preview and once in an update, each of which is one process. */
export function say(resource: "KeyBackup" | "KeyRestore" | "RestoreDrill", keyUri: string, text: string): void {
  const line = `${resource} ${keyUri}: ${text}\n`;
  if (!said.has(line)) {
    said.add(line);
    process.stdout.write(line);
  }
}

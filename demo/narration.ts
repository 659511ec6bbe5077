const width = 110;

/** Prints a line, folded at spaces. */
export function say(text: string, indent = "   "): void {
  const folded = text.match(new RegExp(`\\S.{0,${width - indent.length - 1}}(?= |$)|\\S+`, "g")) ?? [];
  process.stdout.write(folded.map((line) => `${indent}${line}\n`).join(""));
}

/** Prints what a resource said, set apart from what the demo says. */
export function quote(text: string): void {
  say(text, "     | ");
}

/** Prints rows in columns. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    process.stdout.write(`     ${cells.join("  ").trimEnd()}\n`);
  }
}

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readProgram } from "./generate/program";
import { tablesIn } from "./generate/tablesIn";

/** The Markdown pages of the folder and of its `docs`. */
function pagesIn(root: string): string[] {
  return ["", "docs"].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((file) => file.endsWith(".md"))
      .sort()
      .map((file) => path.join(folder, file)),
  );
}

/** One line for each page that is out of date or wrong; without `isCheck`, what is out of date is written. */
function generateTables(root: string, isCheck: boolean): string[] {
  const program = readProgram(path.join(root, "src/index.ts"));
  return pagesIn(root).flatMap((page) => {
    const text = readFileSync(path.join(root, page), "utf8");
    try {
      const written = tablesIn(text, program);
      if (written === text) {
        return [];
      }
      if (isCheck) {
        return [`${page} is out of date. Run npm run docs.`];
      }
      writeFileSync(path.join(root, page), written);
      process.stdout.write(`Wrote the tables of ${page}.\n`);
      return [];
    } catch (error) {
      return [`${page}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

const mistakes = generateTables(process.cwd(), process.argv.includes("--check"));
if (mistakes.length > 0) {
  process.stderr.write(`${mistakes.join("\n")}\n`);
  process.exitCode = 1;
}

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export const root = path.resolve(__dirname, "../../..");

/** A Markdown page for users or contributors. */
export interface Page {
  /** Relative to the repository. */
  readonly file: string;
  readonly text: string;
}

/** The pages of the repository and of `docs`. */
export const pages: readonly Page[] = ["", "docs"].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((file) => file.endsWith(".md"))
    .map((file) => read(path.join(folder, file))),
);

export function read(file: string): Page {
  return { file, text: readFileSync(path.join(root, file), "utf8") };
}

const fence = /^ *```(\w*)\n([\s\S]*?)^ *```$/gm;

/** The code blocks in a language. */
export function codeBlocks({ text }: Page, language: string): string[] {
  return [...text.matchAll(fence)].filter(([, name]) => name === language).map(([, , code = ""]) => code);
}

/** The text without code blocks and code marks. */
export function prose({ text }: Page): string {
  return text.replace(fence, "").replace(/`[^`\n]*`/g, "");
}

/** What a link may have behind its `#`: the anchors that GitHub gives to headings, and explicit ones. */
export function anchorsOf({ text }: Page): string[] {
  const outside = text.replace(fence, "");
  const headings = [...outside.matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, heading = ""]) => slug(heading));
  const numbered = headings.map((anchor, index) => {
    const earlier = headings.slice(0, index).filter((other) => other === anchor).length;
    return earlier === 0 ? anchor : `${anchor}-${earlier}`;
  });
  return [...numbered, ...explicitAnchorsOf({ file: "", text: outside })];
}

export function explicitAnchorsOf({ text }: Page): string[] {
  return [...text.matchAll(/<a id="([\w-]+)"><\/a>/g)].map(([, anchor = ""]) => anchor);
}

/** The targets of a page's links. */
export function linksOf(page: Page): string[] {
  const targets = [...page.text.replace(fence, "").matchAll(/\]\(([^()\s]+(?:\([^()\s]*\))?[^()\s]*)\)/g)];
  return targets.map(([, target = ""]) => target);
}

/** The rows of the first table under a heading, without its head, as texts of cells. */
export function tableUnder({ file, text }: Page, heading: string): string[][] {
  const [, below] = text.split(new RegExp(`^#+ ${heading}$`, "m"));
  const [table] = /^\|.*\n(?:\|.*\n)+/m.exec(below ?? "") ?? [];
  if (table === undefined) {
    throw new Error(`${file} has no table under "${heading}".`);
  }
  const [, , ...rows] = table.trim().split("\n");
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The texts in code marks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
}

export function numbersIn(text: string): number[] {
  return [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

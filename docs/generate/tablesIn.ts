import { inputsOf, type Member, outputsOf } from "./members";
import type { Program } from "./program";

const block = /^<!-- (inputs|outputs): (\w+)(?: except (\w+))? -->$([\s\S]*?)^<!-- end -->$/gm;
const marker = /^<!-- *(?:inputs|outputs|end)\b.*$/m;

/**
 * A Markdown page with each of its tables written anew. A table stands between `<!-- inputs: KeyBackupArgs -->` or
 * `<!-- outputs: KeyBackup -->` and `<!-- end -->`, each on its own line. `<!-- outputs: SecretBackup except KeyBackup -->` leaves
 * out what both inherit.
 * @throws Error if a marker has no partner, a name is not exported, or a member has no doc comment.
 */
export function tablesIn(page: string, program: Program): string {
  const stray = marker.exec(page.replace(block, (_, _kind, _name, _except, body: string) => body));
  if (stray) {
    throw new Error(`The marker ${stray[0]} has no partner, or is not written as the others.`);
  }
  const anchors = anchorsIn(page);
  return page.replace(block, (_, kind: "inputs" | "outputs", name: string, except: string | undefined) => {
    const rows =
      kind === "inputs"
        ? inputRows(inputsOf(name, program, except), anchors)
        : outputRows(outputsOf(name, program, except), anchors);
    const marker = except === undefined ? name : `${name} except ${except}`;
    return `<!-- ${kind}: ${marker} -->\n\n${table(rows)}\n\n<!-- end -->`;
  });
}

type Anchors = ReadonlyMap<string, string>;
type Row = readonly string[];

function inputRows(members: readonly Member[], anchors: Anchors): Row[] {
  return [
    ["Name", "Type", "Default", "Description"],
    ...members.map((member) => [
      nameCell(member),
      typeCell(member, anchors),
      defaultCell(member.defaultText, anchors),
      withLinks(member.description, anchors),
    ]),
  ];
}

function outputRows(members: readonly Member[], anchors: Anchors): Row[] {
  return [
    ["Name", "Type", "Description"],
    ...members.map((member) => [nameCell(member), typeCell(member, anchors), withLinks(member.description, anchors)]),
  ];
}

function nameCell({ name, presence, isSecret }: Member): string {
  const marks = [presence ?? [], isSecret ? "secret" : []].flat();
  return marks.length > 0 ? `${code(name)} (${marks.join(", ")})` : code(name);
}

function typeCell({ typeParts }: Member, anchors: Anchors): string {
  const parts = typeParts.map((part) => linked(part, anchors));
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} or ${parts.at(-1)}` : (parts[0] ?? "");
}

function defaultCell(text: string, anchors: Anchors): string {
  return isJson(text) ? code(text) : withLinks(text, anchors);
}

function withLinks(text: string, anchors: Anchors): string {
  return text.replace(/\s+/g, " ").replace(/\{@link ([^\s|}]+)[ |]*([^}]*)\}/g, (_, target: string, label: string) => {
    if (/^https?:/.test(target)) {
      return `[${label.trim() || target}](${target})`;
    }
    return linked(target, anchors, label.trim() || undefined);
  });
}

/** A name as code, as a link if the page has a heading of that name or of what the name is a member of. */
function linked(name: string, anchors: Anchors, label = code(name)): string {
  const anchor = anchors.get(name) ?? anchors.get(/^\w+(?=\.\w+$)/.exec(name)?.[0] ?? "");
  return anchor === undefined ? label : `[${label}](#${anchor})`;
}

/** The headings of a page without their code marks, and the anchors that GitHub gives them. */
function anchorsIn(page: string): Anchors {
  const headings = [...page.matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, text = ""]) => text.replaceAll("`", ""));
  const slug = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
  // Of headings with the same text, the first has the anchor without a number.
  return new Map(headings.map((text) => [text, slug(text)]));
}

function table([head = [], ...rows]: readonly Row[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");
}

/** A text that stays in one cell of a table and shows its `<` as such. */
export function cell(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|</g, (match) => (match === "<" ? "&lt;" : match))
    .replace(/\\*\|/g, "\\|")
    .trim();
}

function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

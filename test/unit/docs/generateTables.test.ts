import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Program, readProgram } from "../../../docs/generate/program";
import { cell, tablesIn } from "../../../docs/generate/tablesIn";

const files = {
  "node_modules/@pulumi/pulumi/index.d.ts": `
    export interface OutputInstance<T> { apply<U>(func: (t: T) => U): Output<U> }
    export type Output<T> = OutputInstance<T>;
    export type Input<T> = T | Promise<T> | OutputInstance<T>;
    export class Resource { readonly urn: Output<string>; }
  `,
  "src/index.ts": `
    export type { Args, Bare, Copies, Copy, Either, FurtherArgs, Lifted, Outcome } from "./resources/backup";
    export { Backup, FurtherBackup } from "./resources/backup";
  `,
  "src/resources/backup.ts": `
    import * as pulumi from "@pulumi/pulumi";

    /** The key, by its URI. */
    interface ByUri {
      /** URI of the key. */
      keyUri: pulumi.Input<string>;
      vaultUri?: undefined;
      keyName?: undefined;
    }
    interface ByName {
      keyUri?: undefined;
      /** URI of the vault. */
      vaultUri: pulumi.Input<string>;
      /** Name of the key. */
      keyName: pulumi.Input<string>;
    }
    export type Args = (ByUri | ByName) & {
      /**
       * What changes, \`a | b\` or more.
       * Another value
       * makes a new {@link Backup}, as {@link Outcome} tells.
       * @default []
       */
      triggers?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
      /**
       * What to do.
       * @default "keep"
       */
      onChange?: pulumi.Input<"keep" | "delete" | "act"> | undefined;
      /**
       * Age in days, <1 allowed. See {@link https://example.com/age the page}.
       * @default no limit
       */
      maxAgeDays?: pulumi.Input<number> | undefined;
      /** The backup to begin with. */
      source: Backup | Copy;
      /** What to wait for. */
      wait?: pulumi.Input<Wait>;
      /** A map of names. */
      names?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
      /** Several at once. */
      pairs?: pulumi.Input<("a" | "b")[]>;
    };
    type Wait = "short" | "long";

    export interface Of<T, U extends string> {
      /** What is given. */
      value: pulumi.Input<T>;
      /** What may be given. */
      values?: pulumi.Input<readonly pulumi.Input<T>[]> | undefined;
      /** One of a few. */
      choice?: pulumi.Input<U>;
      /** Through an alias. */
      eventual?: Eventual<T>;
      /** Through an alias of a known type. */
      known?: Eventual<Outcome>;
    }
    type Eventual<T> = pulumi.Input<T> | undefined;
    export type Lifted = Of<string, "x" | "y">;
    export type Either = { kind: string } | {
      /** Documented in this branch only. */
      kind: pulumi.Input<number>;
      /** Only here. */
      more?: string;
    };

    export type Outcome = "verified" | \`failed: \${string}\`;
    export interface Copy {
      /** Where it is. */
      readonly uri: string;
      /** When it was made. */
      readonly at?: string;
    }
    export interface Bare {
      /** Documented. */
      known: string;
      bare: string;
      plain?: number;
    }
    export type Copies = Copy[];

    export class Backup extends pulumi.Resource {
      /** What came of it. */
      declare readonly outcome: pulumi.Output<Outcome | undefined>;
      /**
       * The backup.
       * @secret
       */
      declare readonly blob: pulumi.Output<string>;
      /** Copies, newest first. */
      declare readonly copies: pulumi.Output<readonly Copy[]>;
      /** Not for a program. */
      declare private readonly hidden: pulumi.Output<string>;
      /** No output. */
      kept = 1;
    }

    export type FurtherArgs = Args & {
      /** URI of the vault, again. */
      vaultUri?: pulumi.Input<string>;
      /** Only here. */
      further: pulumi.Input<string>;
    };
    export class FurtherBackup extends Backup {
      /** Only here. */
      declare readonly further: pulumi.Output<string>;
    }
  `,
};

let root: string;
let program: Program;

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "tables-"));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  program = readProgram(path.join(root, "src/index.ts"));
});
afterAll(() => rmSync(root, { recursive: true }));

const markers = (kind: string, name: string) => `<!-- ${kind}: ${name} -->\n<!-- end -->`;
const rows = (kind: string, name: string, heading = "") =>
  tablesIn(`${heading}\n${markers(kind, name)}\n`, program)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);

describe("a table of inputs", () => {
  it("has each member of each branch of a union once, and none that is only undefined", () => {
    expect(rows("inputs", "Args").map((row) => /`(\w+)`/.exec(row)?.[1])).toEqual([
      "keyUri",
      "vaultUri",
      "keyName",
      "triggers",
      "onChange",
      "maxAgeDays",
      "source",
      "wait",
      "names",
      "pairs",
    ]);
  });

  it("says of an input that only one branch requires what may be given instead", () => {
    expect(rows("inputs", "Args").slice(0, 3)).toEqual([
      "| `keyUri` (required without `vaultUri` and `keyName`) | `string` |  | URI of the key. |",
      "| `vaultUri` (required without `keyUri`) | `string` |  | URI of the vault. |",
      "| `keyName` (required without `keyUri`) | `string` |  | Name of the key. |",
    ]);
  });

  it("shows the type that a program gives, without inputs, promises and undefined", () => {
    const types = rows("inputs", "Args").map((row) => row.split(/(?<!\\)\|/)[2]?.trim());
    expect(types.slice(3)).toEqual([
      "`string[]`",
      '`"keep"`, `"delete"` or `"act"`',
      "`number`",
      "`Backup` or `Copy`",
      '`"short"` or `"long"`',
      "`Record<string, string>`",
      '`("a" \\| "b")[]`',
    ]);
  });

  it("shows a JSON default as code and any other as prose", () => {
    const [, , , , onChange, maxAgeDays] = rows("inputs", "Args");
    expect(onChange).toContain('| `"keep"` | What to do. |');
    expect(maxAgeDays).toContain("| no limit | Age in days");
  });

  it("joins the lines of a comment, escapes pipes and less-than signs, and keeps code and links", () => {
    const [, , , triggers, , maxAgeDays] = rows("inputs", "Args");
    expect(triggers).toContain(
      "| What changes, `a \\| b` or more. Another value makes a new `Backup`, as `Outcome` tells. |",
    );
    expect(maxAgeDays).toContain("Age in days, &lt;1 allowed. See [the page](https://example.com/age). |");
  });

  it("links a name to the heading that the page has for it", () => {
    const [, , , triggers, , , source] = rows("inputs", "Args", "## `Backup`");
    expect(triggers).toContain("makes a new [`Backup`](#backup), as `Outcome` tells.");
    expect(source).toContain("| [`Backup`](#backup) or `Copy` |");
  });

  it("replaces the parameters of a generic type with what they stand for", () => {
    const [value, values, choice, eventual, known] = rows("inputs", "Lifted");
    expect(value).toBe("| `value` (required) | `string` |  | What is given. |");
    expect(values).toBe("| `values` (optional) | `string[]` |  | What may be given. |");
    expect(choice).toBe('| `choice` (optional) | `"x"` or `"y"` |  | One of a few. |');
    expect(eventual).toBe("| `eventual` (optional) | `string` |  | Through an alias. |");
    expect(known).toContain("| `known` (optional) | `Outcome` |");
  });

  it("takes the description from the branch that has one, and the types of all branches", () => {
    expect(rows("inputs", "Either")).toEqual([
      "| `kind` (required) | `string` or `number` |  | Documented in this branch only. |",
      "| `more` (optional) | `string` |  | Only here. |",
    ]);
  });
});

describe("a table of outputs", () => {
  it("has the public outputs that the class itself declares, and marks those with the tag @secret", () => {
    expect(rows("outputs", "Backup", "### Outcome")).toEqual([
      "| `outcome` | [`Outcome`](#outcome) or `undefined` | What came of it. |",
      "| `blob` (secret) | `string` | The backup. |",
      "| `copies` | `Copy[]` | Copies, newest first. |",
    ]);
  });

  it("has all members of an interface, and says which may be undefined", () => {
    expect(rows("outputs", "Copy")).toEqual([
      "| `uri` | `string` | Where it is. |",
      "| `at` | `string` or `undefined` | When it was made. |",
    ]);
  });
});

describe("a table that leaves out what another table shows", () => {
  it("has only the outputs that the other class does not declare", () => {
    expect(rows("outputs", "FurtherBackup except Backup")).toEqual(["| `further` | `string` | Only here. |"]);
    expect(rows("outputs", "FurtherBackup").length).toBe(4);
  });

  it("has only the inputs that the other type does not declare, or that are declared anew", () => {
    const names = rows("inputs", "FurtherArgs except Args").map((row) => /`(\w+)`/.exec(row)?.[1]);
    expect(names).toEqual(["vaultUri", "further"]);
  });

  it("keeps its marker", () => {
    const marker = "<!-- outputs: FurtherBackup except Backup -->";
    expect(tablesIn(`${marker}\n<!-- end -->\n`, program)).toContain(`${marker}\n\n|`);
  });

  it("is refused if nothing is left, or if the other name is not exported", () => {
    expect(() => rows("outputs", "Backup except FurtherBackup")).toThrow("Backup has no members to show.");
    expect(() => rows("outputs", "Backup except ByUri")).toThrow("ByUri is not an export of src/index.ts.");
  });
});

describe("a page", () => {
  it("keeps all text outside its markers, and does not change when its tables are written again", () => {
    const page = `# Page\n\n${markers("inputs", "Lifted")}\n\nBetween.\n\n${markers("outputs", "Backup")}\nEnd.\n`;
    const written = tablesIn(page, program);
    expect(written.replace(/\n\n\|[^<]*\n\n(?=<!-- end)/g, "\n")).toBe(page);
    expect(written).not.toBe(page);
    expect(tablesIn(written, program)).toBe(written);
  });

  it.each([
    ["a name that is not exported", markers("inputs", "ByUri"), "ByUri is not an export of src/index.ts."],
    ["members without a comment", markers("inputs", "Bare"), "No doc comment describes Bare.bare, Bare.plain."],
    ["a class as inputs", markers("inputs", "Backup"), "Backup is neither a type nor an interface"],
    ["an alias as outputs", markers("outputs", "Copies"), "Copies is neither a class nor an interface"],
    ["a marker without an end", "<!-- inputs: Args -->\n", "The marker <!-- inputs: Args --> has no partner"],
    ["an end without a marker", "<!-- end -->\n", "The marker <!-- end --> has no partner"],
    [
      "a marker before the end of another",
      `<!-- outputs: Backup -->\n${markers("inputs", "Args")}`,
      "The marker <!-- inputs: Args --> has no partner",
    ],
    ["a marker in another spelling", "<!--inputs: Args-->\n<!-- end -->\n", "The marker <!--inputs: Args--> has no"],
  ])("with %s is refused", (_, page, message) => {
    expect(() => tablesIn(page, program)).toThrow(message);
  });
});

it("a cell is one line without a pipe that ends it, whatever its text is", () => {
  const texts = fc.string({ unit: fc.constantFrom("a", "|", "\\", "`", "<", "\n", "\r", " ", "\u2028") });
  fc.assert(
    fc.property(texts, (text) => {
      expect(cell(text)).not.toMatch(/[\n\r\u2028]/);
      expect(cell(text).replaceAll(/\\[\\|`<]/g, "")).not.toContain("|");
    }),
  );
});

describe("npm run docs", () => {
  const project = path.resolve(__dirname, "../../..");
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; stderr: string }>((resolve) => {
      const script = path.join(project, "docs/generateTables.ts");
      execFile(path.join(project, "node_modules/.bin/tsx"), [script, ...args], { cwd: root }, (error, _, stderr) =>
        resolve({ code: error?.code ?? 0, stderr }),
      );
    });

  it("writes the pages of the root and of docs, which --check then accepts", async () => {
    mkdirSync(path.join(root, "docs"), { recursive: true });
    const pages = ["README.md", "docs/copies.md"].map((page) => path.join(root, page));
    for (const page of pages) {
      writeFileSync(page, `${markers("outputs", "Copy")}\n`);
    }
    expect(await run("--check")).toEqual({
      code: 1,
      stderr: "README.md is out of date. Run npm run docs.\ndocs/copies.md is out of date. Run npm run docs.\n",
    });
    expect(readFileSync(pages[0] ?? "", "utf8")).not.toContain("Where it is.");
    expect(await run()).toEqual({ code: 0, stderr: "" });
    expect(pages.map((page) => readFileSync(page, "utf8").includes("Where it is."))).toEqual([true, true]);
    expect(await run("--check")).toEqual({ code: 0, stderr: "" });
  }, 300_000);

  it("names the page that it cannot write and leaves it as it is", async () => {
    const page = `${markers("inputs", "Bare")}\n`;
    writeFileSync(path.join(root, "README.md"), page);
    const { code, stderr } = await run();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "README.md: No doc comment describes Bare.bare, Bare.plain.\n",
    });
    expect(readFileSync(path.join(root, "README.md"), "utf8")).toBe(page);
  }, 300_000);
});

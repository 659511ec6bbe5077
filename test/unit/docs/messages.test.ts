import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "@jest/globals";
import { prose, read, root } from "./pages";

/** The code, with each text that is written in several parts in one. */
const code = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(path.join(root, "src", file), "utf8").replace(/["`]\s*\+\s*["`]/g, ""))
  .join("\n");

/** The words in italics, without messages of others, statuses and codes of the service, and roles. */
function searchWords(): string[] {
  const [, sections = ""] = prose(read("docs/troubleshooting.md")).split("## Permissions and sign-in");
  const [own = ""] = sections.split("## Errors of Pulumi and Node.js");
  const words = [...own.replace(/\s+/g, " ").matchAll(/(?<!\*)\*([^*]+)\*(?!\*)/g)].map(([, one = ""]) => one);
  return words.filter((one) => !/^(\d|\(|\w+$|Key Vault |Managed HSM )/.test(one));
}

// Their parts are joined when the message is made.
const joined = ["failed, because …", "the host answered 200 without a backup"];

it("each of the words in italics to look for is in a message", () => {
  const words = searchWords().filter((one) => !joined.includes(one));
  expect(words.length).toBeGreaterThan(30);
  const parts = words.flatMap((one) => one.replace(/ (\([A-Z_]+\)|\d+)$/, "").split("…"));
  expect(parts.map((part) => part.trim()).filter((part) => !code.includes(part))).toEqual([]);
});

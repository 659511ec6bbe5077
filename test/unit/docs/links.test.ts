import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "@jest/globals";
import { copyFailureCodes } from "../../../src/copies/copyError";
import { failureCodes } from "../../../src/keyVault/failures/remedies";
import { more } from "../../../src/provider/engine/messages";
import { anchorsOf, explicitAnchorsOf, linksOf, pages, read, root } from "./pages";

/** Links to the documentation that messages in `src` have in their text. */
function linksInMessages(): string[] {
  const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files.flatMap((file) => {
    const text = readFileSync(path.join(root, "src", file), "utf8");
    return [...text.matchAll(/\bmore\(\s*"([^"]+)"/g)].map(([, link = ""]) => link);
  });
}

function whyBroken(file: string, link: string): string[] {
  const [target = "", anchor] = link.split("#");
  const targetFile = target === "" ? file : path.join(path.dirname(file), target);
  if (!existsSync(path.join(root, targetFile))) {
    return [`${file} links to ${link}, and ${targetFile} does not exist`];
  }
  return anchor === undefined || anchorsOf(read(targetFile)).includes(anchor)
    ? []
    : [`${file} links to ${link}, and ${targetFile} has no such anchor`];
}

it("every relative link of every page leads to a file, and to an anchor of it", () => {
  const links = pages.flatMap((page) => linksOf(page).map((link) => ({ file: page.file, link })));
  const relative = links.filter(({ link }) => !/^https?:/.test(link));
  expect(relative.length).toBeGreaterThan(20);
  expect(relative.flatMap(({ file, link }) => whyBroken(file, link))).toEqual([]);
});

it("every link to the web uses https", () => {
  const links = pages.flatMap(linksOf).filter((link) => /^\w+:/.test(link));
  expect(links.filter((link) => !link.startsWith("https://"))).toEqual([]);
});

it("every failure code has its section in the page on troubleshooting", () => {
  const codes = [...failureCodes, ...copyFailureCodes];
  expect(codes.filter((code) => !anchorsOf(read("docs/troubleshooting.md")).includes(code))).toEqual([]);
});

it("every link in a message leads to an anchor of the documentation", () => {
  const links = linksInMessages();
  expect(links.length).toBeGreaterThan(3);
  expect(links.flatMap((link) => whyBroken("docs/index.md", link))).toEqual([]);
});

it("the page on troubleshooting has no anchor that no message uses", () => {
  const used = [...failureCodes, ...copyFailureCodes, ...linksInMessages().map((link) => link.split("#")[1])];
  const unused = explicitAnchorsOf(read("docs/troubleshooting.md")).filter((anchor) => !used.includes(anchor));
  expect(unused).toEqual([]);
});

it("messages link to the folder in which the pages are", () => {
  const { homepage } = JSON.parse(read("package.json").text) as { homepage: string };
  expect(more("troubleshooting.md")).toContain(`${homepage.replace("#readme", "")}/blob/main/docs/troubleshooting.md`);
});

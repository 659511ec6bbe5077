import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { readProgram } from "../../../docs/generate/program";
import { tablesIn } from "../../../docs/generate/tablesIn";
import packageJson from "../../../package.json";
import { defaultWaits } from "../../../src/keyVault/connection/waits";
import { capitalized } from "../../../src/keyVault/vaultUri";
import { objectKinds } from "../../../src/objects/objectKinds";
import type { Permission } from "../../../src/objects/permissions";
import { readConfiguration } from "../../../src/provider/engine/configuration";
import { type IdentitySettings, kindOf, variablesOf } from "../../../src/provider/identity/identitySettings";
import { codeIn, numbersIn, pages, prose, read, root, tableUnder } from "./pages";

const readme = read("README.md");
const configuration = read("docs/configuration.md");
const permissions = read("docs/permissions-and-credentials.md");
const allPermissions: readonly Permission[] = objectKinds.flatMap((kind) => Object.values(kind.permissions));
const allText = pages.map(({ text }) => text).join("\n");

function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}

describe("the README", () => {
  it("has at most 150 lines", () => {
    expect(readme.text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  it("says how to run the demo and the tests, as continuous integration runs them", () => {
    expect(readme.text.split("\n")).toEqual(expect.arrayContaining(["npm ci && npm run demo", "npm ci && npm test"]));
    expect(read(".ci/run").text.split("\n")).toContain("npm ci && npm test");
  });

  it("names the versions that the package requires", () => {
    expect(codeIn(readme.text)).toContain(packageJson.peerDependencies["@pulumi/pulumi"]);
    expect(prose(readme)).toContain(`Node.js ${packageJson.engines.node.replace(">=", "")}`);
  });
});

describe("the pages", () => {
  it("have tables of inputs and outputs that are current", () => {
    const program = readProgram(path.join(root, "src/index.ts"));
    const outdated = pages.filter(({ text }) => tablesIn(text, program) !== text);
    expect(outdated.map(({ file }) => file)).toEqual([]);
  }, 300_000);

  it("have a table of each resource and of each type that a program fills in or reads", () => {
    const index = read("src/index.ts").text;
    const exported = [...index.matchAll(/\b[A-Z]\w+\b/g)].map(([name]) => name);
    // Unions and parts of the inputs, which the tables of the whole contain.
    const isPart = (name: string) =>
      /^(Key|Secret|Certificate)By(Uri|VaultAndName)$/.test(name) ||
      ["AnyBackup", "BackupOptions", "BackupSource", "RestoreOptions"].includes(name);
    const others = ["DrillCheckResult", "KeyVaultBackupProvider"];
    const tables = [...allText.matchAll(/^<!-- (?:inputs|outputs): (\w+)(?: except \w+)? -->$/gm)].map(
      ([, name]) => name,
    );
    expect([...new Set(tables)].sort()).toEqual(
      exported.filter((name) => !isPart(name) && !others.includes(name)).sort(),
    );
  });

  it("name only npm scripts that exist", () => {
    const named = [...allText.matchAll(/npm run ([\w:]+)/g)].map(([, script = ""]) => script);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((script) => !(script in packageJson.scripts))).toEqual([]);
  });

  it("name only settings of this package that exist", () => {
    const settings: string[] = [];
    readConfiguration({ get: (name) => void settings.push(name) });
    const named = [...allText.matchAll(/azure-keyvault-backup:\w+/g)].map(([name]) => name);
    expect([...new Set(named)].sort()).toEqual(settings.sort());
  });

  it("name only settings of azure-native that are read", () => {
    const named = [...allText.matchAll(/azure-native:(\w+)\b(?!:)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in variablesOf))).toEqual([]);
  });

  it("name only data actions that messages name too", () => {
    const actions = allPermissions.flatMap(({ dataAction, hsm }) => [dataAction, hsm?.dataAction]);
    const named = [...allText.matchAll(/\bMicrosoft\.KeyVault\/(?!vaults\/\$)[\w/]+/g)].map(([action]) => action);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((action) => !actions.includes(action))).toEqual([]);
  });

  it("name only roles that messages name too, and the three that the text sets apart from them", () => {
    const roles = allPermissions.flatMap(({ role, hsm }) => [role, hsm?.role]);
    const others = ["Key Vault Administrator", "Key Vault Contributor", "Managed HSM Contributor"];
    const named = pages.flatMap((page) => [...prose(page).matchAll(/\*((?:Key Vault|Managed HSM)\s[\w\s]+?)\*/g)]);
    expect(named.length).toBeGreaterThan(10);
    expect(
      named.map(([, role = ""]) => role.replace(/\s+/g, " ")).filter((role) => ![...roles, ...others].includes(role)),
    ).toEqual([]);
  });

  it("name only waits of as many seconds as there are", () => {
    const { notReady, throttled, ...others } = defaultWaits;
    const waits = [...notReady, ...throttled, ...Object.values(others)].map(seconds);
    const named = [...allText.matchAll(/\b(\d+) seconds/g)].map(([, digits]) => Number(digits));
    expect(named).toContain(seconds(defaultWaits.freeName));
    expect(named.filter((wait) => !waits.includes(wait))).toEqual([]);
  });

  it("say nothing of names that earlier versions had, but for the changelog", () => {
    const current = pages.filter(({ file }) => file !== "CHANGELOG.md");
    const old = /\b(keyVersions|keyThumbprints|keyUpdatedAt|keyTags|keyStatus|isAdopted|onDestroy)\b/;
    expect(current.filter(({ text }) => old.test(text)).map(({ file }) => file)).toEqual([]);
  });
});

describe("the page on configuration", () => {
  const rows = tableUnder(configuration, "Settings");
  const cellsOf = (setting: string) => rows.find(([name]) => name === `\`azure-keyvault-backup:${setting}\``) ?? [];
  const mistakesFor = (setting: string, value: string) =>
    readConfiguration({ get: (name) => (name === `azure-keyvault-backup:${setting}` ? value : undefined) }).mistakes;

  it("says the default of each setting", () => {
    const { timeout, disableChallengeResourceVerification } = readConfiguration(undefined);
    expect(cellsOf("timeoutSeconds")[2]).toBe(`\`${seconds(timeout)}\``);
    expect(cellsOf("disableChallengeResourceVerification")[2]).toBe(`\`${disableChallengeResourceVerification}\``);
    expect(timeout).toBe(defaultWaits.operation);
  });

  it("says the bounds that timeoutSeconds has", () => {
    const [least = 0, most = 0] = numbersIn(cellsOf("timeoutSeconds")[1] ?? "");
    expect([least, most].flatMap((value) => mistakesFor("timeoutSeconds", `${value}`))).toEqual([]);
    for (const value of [least - 1, most + 1]) {
      expect(mistakesFor("timeoutSeconds", `${value}`).length).toBe(1);
    }
  });

  it("says the bound of each wait", () => {
    const { operation, newObject, freeName, read: look, attempt } = defaultWaits;
    const bounds = tableUnder(configuration, "Waits and retries").map(([, bound = ""]) => numbersIn(bound)[0]);
    expect(bounds.sort()).toEqual([operation, newObject, freeName, look, attempt].map(seconds).sort());
  });

  it("says the intervals between attempts", () => {
    const [, , how = ""] = tableUnder(configuration, "Waits and retries")[0] ?? [];
    expect(numbersIn(how)).toEqual(defaultWaits.notReady.map(seconds));
    const throttled = /\(429\)([^.]*)\./.exec(configuration.text)?.[1] ?? "";
    expect(numbersIn(throttled)).toEqual(defaultWaits.throttled.map(seconds));
  });
});

describe("the page on permissions and credentials", () => {
  it.each(objectKinds)(
    "says of each operation on $collection, in the order of the code, the data action, the access policy and the role",
    ({ collection, permissions: known }) => {
      const rows = tableUnder(permissions, capitalized(collection));
      expect(rows.map(([, ...cells]) => cells.map((cell) => cell.replace(/^[`*]|[`*]$/g, "")))).toEqual(
        Object.values(known).map(({ dataAction, accessPolicy, role, hsm }) => [
          dataAction,
          accessPolicy,
          role,
          ...(hsm === undefined ? [] : [hsm.dataAction, hsm.role]),
        ]),
      );
      const verbs = Object.values(known).map(({ verb }) =>
        verb.replace(/ the versions of$| the (deleted|value of)$| with$/, ""),
      );
      expect(rows.filter(([operation], index) => !operation?.includes(verbs[index] ?? "")).map(([one]) => one)).toEqual(
        [],
      );
    },
  );

  const credentials = tableUnder(permissions, "Credentials").map(([, selected = ""]) => codeIn(selected));
  const selectors = credentials.filter(([setting]) => setting !== undefined) as [keyof typeof variablesOf, string][];
  const settingsOf = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, "true"])) as unknown as IdentitySettings;

  it("lists the settings that select a credential in the order in which they count", () => {
    expect(selectors.length).toBe(5);
    for (const [index, [setting]] of selectors.entries()) {
      const later = selectors.slice(index).map(([name]) => name);
      expect(kindOf(settingsOf(...later))).toBe(kindOf(settingsOf(setting)));
    }
    expect(kindOf(settingsOf())).toBe("default");
    expect(new Set(selectors.map(([setting]) => kindOf(settingsOf(setting)))).size).toBe(selectors.length);
  });

  it("names the environment variables of each setting beside it", () => {
    const text = permissions.text.replace(/\s+/g, " ");
    const unpaired = Object.entries(variablesOf).filter(([setting, variables]) => {
      const named = variables.map((variable) => `\`${variable}\``).join(", ");
      return ![`\`${setting}\` | ${named} |`, `\`${setting}\` (${named}`].some((pair) => text.includes(pair));
    });
    expect(unpaired.map(([setting]) => setting)).toEqual([]);
  });
});

describe("the changelog", () => {
  it("begins with the version of the package", () => {
    expect(/^## (\S+)/m.exec(read("CHANGELOG.md").text)?.[1]).toBe(packageJson.version);
  });
});

describe("the guide for contributors", () => {
  it("names folders that exist", () => {
    const tree = /^```\n(src\/[\s\S]*?)^```$/m.exec(read("CONTRIBUTING.md").text)?.[1] ?? "";
    const inside = [...tree.matchAll(/^ {2}(\w+)\//gm)].map(([, name]) => `src/${name}`);
    const top = [...tree.matchAll(/^(\w+)\//gm)].map(([, name]) => `${name}`);
    expect(inside.length).toBeGreaterThan(4);
    expect([...inside, ...top].filter((folder) => !existsSync(path.join(root, folder)))).toEqual([]);
  });
});

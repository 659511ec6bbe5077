import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");

it("The demo backs up a key, a secret and a certificate, loses them, and brings them back", async () => {
  const { stdout } = await run("npx", ["tsx", "demo/demo.ts"], { cwd: root });
  // Lines are folded at spaces.
  const text = stdout.replace(/\s+/g, " ");
  for (const fragment of [
    ...["Key", "Secret", "Certificate"].flatMap((kind) => [`${kind}Backup created`, `${kind}Backup updated`]),
    "RestoreDrill updated",
    "may be the only copy",
    /new signature .* verified/,
    /restored secret +equal/,
    /restored certificate +equal/,
    "KeyBackup deleted",
    "the backup is deleted from the state. It",
    /key from the copy +verified/,
    "pulumi config set vaultUri https://",
  ]) {
    expect(text).toEqual(
      typeof fragment === "string" ? expect.stringContaining(fragment) : expect.stringMatching(fragment),
    );
  }
  expect(stdout.match(/Not deleted/g)).toHaveLength(1);
  expect(stdout).not.toMatch(/not (verified|equal)/);
  expect(leaksIn(stdout)).toEqual([]);
  expect(stdout.trimEnd().split("\n").length).toBeLessThan(110);
});

it("The demo refuses an option that it does not have", async () => {
  await expect(run("npx", ["tsx", "demo/demo.ts", "--quick"], { cwd: root })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--verbose"),
  });
});

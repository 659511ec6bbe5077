import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";

const run = promisify(execFile);
const root = path.resolve(__dirname, "../..");

it("The demo backs a key up, loses it, and brings it back", async () => {
  const { stdout } = await run("npx", ["tsx", "demo/demo.ts"], { cwd: root });
  for (const fragment of [
    "KeyBackup created, ",
    "KeyBackup updated, RestoreDrill updated",
    "may be the only copy",
    /new signature .* verified/,
    "KeyBackup deleted",
    "pulumi config set keyUri https://",
  ]) {
    expect(stdout).toEqual(
      typeof fragment === "string" ? expect.stringContaining(fragment) : expect.stringMatching(fragment),
    );
  }
  expect(stdout.match(/Not deleted/g)).toHaveLength(1);
  expect(stdout).not.toContain("not verified");
  expect(stdout.trimEnd().split("\n").length).toBeLessThan(80);
});

it("The demo refuses an option that it does not have", async () => {
  await expect(run("npx", ["tsx", "demo/demo.ts", "--quick"], { cwd: root })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--verbose"),
  });
});

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "@jest/globals";
import { installed } from "../support/pulumi/installed";
import { programs } from "../support/pulumi/programs";
import { PulumiProject } from "../support/pulumi/pulumiProject";

const recorded = path.join(__dirname, "recorded");

// Each folder holds the state and the stack's configuration that a release wrote for the JavaScript program, with a vault
// that no network has: a request would fail.
it.each(readdirSync(recorded))(
  "a state of release %s previews with no changes and asks for nothing",
  async (release) => {
    const file = (name: string) => readFileSync(path.join(recorded, release, name), "utf8");
    const project = await PulumiProject.create({ ...installed(), files: programs.JavaScript ?? {}, env: {} });
    await project.write("Pulumi.dev.yaml", file("configuration.yaml"));
    await project.write(".backend/.pulumi/stacks/infrastructure/dev.json", file("state.json"));
    expect(await project.succeeds("preview", "--diff", "--expect-no-changes")).toContain("2 unchanged");
    expect(await project.succeeds("refresh", "--expect-no-changes")).toContain("2 unchanged");
    expect(await project.succeeds("up", "--expect-no-changes")).toContain("2 unchanged");
    const { blob } = await project.outputs();
    expect(Buffer.from(String(blob), "base64url").toString("latin1")).toContain("AzureKeyVaultKeyBackupV1");
    await project.remove();
  },
);

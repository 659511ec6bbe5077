import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../support/localKeyVault";
import { installed } from "../support/pulumi/installed";

it("has an engine", () => {
  expect(installed().engine).toContain("bin");
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { key } from "../../../../src/objects/key";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

describe("inputs for copies", () => {
  beforeEach(async () => {
    stack = await BackupStack.start(service, key);
    await stack.create("orders");
  });

  it.each([
    ["copyTo must be an array, each item a string.", { copyTo: "file:///backups" }],
    [
      "copyTo[0] is neither https://{account}.blob.core.windows.net/{container} nor file:///{directory}.",
      { copyTo: ["x"] },
    ],
    ["copyTo[0] is neither", { copyTo: ["http://a.blob.core.windows.net/c"] }],
    ["copyTo[0] names no container.", { copyTo: ["https://a.blob.core.windows.net/"] }],
    ["copyTo[0] has a query: remove it", { copyTo: ["https://a.blob.core.windows.net/c?sig=x"] }],
    ["copyTo[0] contains a user name or a password.", { copyTo: ["https://a:b@a.blob.core.windows.net/c"] }],
    [
      "copyTo[0] names a host that is not in Azure Blob Storage. For an emulator",
      { copyTo: ["https://example.com/c"] },
    ],
    ["copyTo[0] must begin with file:/// (three slashes).", { copyTo: ["file://backups/a"] }],
    ["copyTo[0] must begin with file:/// (three slashes).", { copyTo: ["file:backups"] }],
    ["copyTo[0] is not a valid file URI.", { copyTo: ["file:///a%zz"] }],
    ["copyTo[0] is not a valid file URI.", { copyTo: ["file:///a%2fb"] }],
    ["copyTo[0] has an empty or a broken part in its path.", { copyTo: ["https://a.blob.core.windows.net/c//d"] }],
    ["copyTo[0] names no directory.", { copyTo: ["file:///"] }],
    ["copyTo names a place twice.", { copyTo: ["file:///a/b", "file:///a//%62/"] }],
    ["keepBlobInState must be true or false.", { keepBlobInState: "no" }],
    ["keepBlobInState: false needs copyTo", { keepBlobInState: false }],
    ["keepBlobInState: false needs copyTo", { keepBlobInState: false, copyTo: [] }],
  ])("are refused: %s", async (mistake, inputs) => {
    expect(await stack.up(inputs)).toBe(false);
    expect(stack.engine.failureMessage).toContain(mistake);
    expect(stack.asked).toEqual([]);
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let said: string[];

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.drill.failure as Error | undefined)?.message;

describe.each(["RSA", "EC"] as const)("a drill of the backup of an %s key", (kty) => {
  it("verifies versions, public keys and private keys, and leaves nothing behind", async () => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await stack.drill.up(stack.drilling());
    expect(failure()).toBeUndefined();
    const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
    expect(stack.drill.outputs).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      blobSha256: stack.recorded.blobSha256,
      drilledAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      verifiedAt: stack.drill.outputs?.drilledAt,
      outcome: "verified",
      checks: [
        { version: second, ...passed },
        { version: first, ...passed },
      ],
      durationMs: expect.any(Number),
      restoredVersions: [second, first],
    });
    expect(stack.target.keyNames).toEqual([]);
    expect(stack.target.deletedKey("orders")).toBeUndefined();
  });
});

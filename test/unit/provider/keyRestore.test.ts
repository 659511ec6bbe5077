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

const failure = () => (stack.restore.failure as Error | undefined)?.message;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

async function fails(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  return String(failure());
}

describe.each(["RSA", "EC"] as const)("a restored %s key", (kty) => {
  it("has the versions, the public keys and the private keys of its source, and says where it came from", async () => {
    const first = await stack.backedUp({ kty });
    const second = await stack.rotated();
    await up();
    expect(stack.restore.outputs).toEqual({
      vaultUri: stack.target.vaultUri,
      keyName: "orders",
      keyUri: `${stack.target.vaultUri}keys/orders`,
      keyUriWithVersion: `${stack.target.vaultUri}keys/orders/${second}`,
      keyVersions: [second, first],
      restoredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      restoredFrom: {
        blobSha256: stack.recorded.blobSha256,
        keyVersions: [second, first],
        keyUri: `${stack.source.vaultUri}keys/orders`,
        backedUpAt: stack.recorded.backedUpAt,
      },
      isAdopted: false,
      missingVersions: [],
      keyStatus: "present",
      onDestroy: "keep",
    });
    for (const version of [first, second]) {
      expect(stack.target.publicJwk("orders", version)).toEqual(stack.source.publicJwk("orders", version));
    }
    expect(await stack.restore.up(stack.restoring())).toBe(true);
    expect(stack.asked).toEqual(["restore", "listVersions"]);
  });
});

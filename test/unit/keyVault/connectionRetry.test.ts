import { createHttpHeaders, createPipelineRequest, RestError } from "@azure/core-rest-pipeline";
import { expect, it } from "@jest/globals";
import { connectionRetryPolicy } from "../../../src/keyVault/connectionRetry";

const request = createPipelineRequest({ url: "https://kv.vault.azure.net/" });

async function attemptsOf(code: string, failures: number): Promise<number> {
  let attempts = 0;
  await connectionRetryPolicy(3, 1)
    .sendRequest(request, async () => {
      attempts += 1;
      if (attempts <= failures) {
        throw new RestError("no connection", { code });
      }
      return { status: 200, headers: createHttpHeaders(), request };
    })
    .catch((error: unknown) => expect(error).toHaveProperty("code", code));
  return attempts;
}

it.each(["EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EPIPE"])(
  "retries a connection that fails with %s",
  async (code) => {
    expect(await attemptsOf(code, 2)).toBe(3);
    expect(await attemptsOf(code, 99)).toBe(4);
  },
);

it("does not retry what will not pass", async () => {
  expect(await attemptsOf("CERT_HAS_EXPIRED", 99)).toBe(1);
});

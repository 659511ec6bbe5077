import { describe, expect, it } from "@jest/globals";
import type * as pulumi from "@pulumi/pulumi";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import { VaultConnection } from "../../../../src/keyVault/connection/vaultConnection";
import { systemClock } from "../../../../src/keyVault/connection/waits";
import { KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { key } from "../../../../src/objects/key";
import {
  type Context,
  defineProvider,
  type Environment,
  type Family,
  RecordedFailure,
} from "../../../../src/provider/engine/defineProvider";
import { noWaits } from "../../../support/provider/connectLocally";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

type Plan = { readonly kind: "unchanged" | "act" };

const config = { get: (name: string) => (name === "azure-keyvault-backup:timeoutSeconds" ? "7" : undefined) };
const credentialError = Object.assign(new Error("no token"), { name: "CredentialError", isConfigured: true });
const operation = { name: "list", kind: key, vaultUri: "https://kv.vault.azure.net/", objectName: "a" } as const;
const storedConfiguration = "the settings that the last pulumi up recorded";

const printed: string[] = [];
const connected: unknown[] = [];

const environment: Environment = {
  now: () => 5,
  print: (line) => printed.push(line),
  newId: () => "a-new-id",
  reachCopies() {
    throw new Error("not expected");
  },
  connect(vaultUri, given) {
    connected.push([vaultUri, given]);
    const failing = { getToken: () => Promise.reject(credentialError) };
    const options = { credential: () => failing, disableChallengeResourceVerification: true, print: () => {} };
    return new VaultConnection({ ...options, vaultUri, waits: noWaits, clock: systemClock });
  },
};

function provider(family: Partial<Family<Plan>>) {
  const fails = async () => {
    throw new Error("not expected");
  };
  return defineProvider<Plan>(
    {
      resource: "KeyThing",
      check: (inputs) => ({ inputs, mistakes: [] }),
      plan: () => ({ kind: "unchanged" }),
      explain: () => undefined,
      uriOf: ({ name }) => `${name}`,
      isRecord: () => true,
      create: fails,
      read: fails,
      update: fails,
      delete: fails,
      ...family,
    },
    environment,
  );
}

async function failureOf(request: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const failure = await request.then(
    () => new Error("The request did not fail."),
    (error: unknown) => error,
  );
  return failure as Error & Record<string, unknown>;
}

describe("check", () => {
  it("gives each mistake under no property, because the engine prints the value of a property that is named", async () => {
    const { inputs, failures } = await provider({
      check: (declared) => ({ inputs: { ...declared, completed: true }, mistakes: ["a is bad.", "b is bad."] }),
    }).check({}, { a: "secret" }, undefined);
    expect(inputs).toEqual({ a: "secret", completed: true });
    expect(failures).toEqual([
      { property: "", reason: "a is bad." },
      { property: "", reason: "b is bad." },
    ]);
  });

  it("gives mistakes in the configuration first, and hands the configuration to the family", async () => {
    const wrong = { get: (name: string) => (name.endsWith("timeoutSeconds") ? "soon" : undefined) };
    const check: Family<Plan>["check"] = (inputs, { timeout }) => ({ inputs, mistakes: [`timeout ${timeout}`] });
    const { failures } = await provider({ check }).check({}, {}, wrong);
    expect(failures.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("timeoutSeconds must be"),
      "timeout NaN",
    ]);
    expect((await provider({ check }).check({}, {}, config)).failures).toEqual([
      { property: "", reason: "timeout 7000" },
    ]);
  });
});

describe("diff", () => {
  it("plans with the recorded and the declared properties and the time", async () => {
    const seen: unknown[] = [];
    const plan: Family<Plan>["plan"] = (...given) => {
      seen.push(given);
      return { kind: "act" };
    };
    expect(await provider({ plan }).diff("id", { name: "old" }, { name: "new" }, undefined)).toEqual({ changes: true });
    expect(seen).toEqual([[{ name: "old" }, { name: "new" }, 5]]);
  });

  it("says what will happen, and to what", async () => {
    printed.length = 0;
    await provider({ explain: () => "it will be done" }).diff("id", { name: "old" }, { name: "new" }, undefined);
    expect(printed).toEqual(["KeyThing old: it will be done."]);
  });

  it("says nothing and changes nothing if nothing is due", async () => {
    printed.length = 0;
    expect(await provider({}).diff("id", {}, {}, undefined)).toEqual({ changes: false });
    expect(printed).toEqual([]);
  });
});

describe("create and update", () => {
  it("return the record without undefined members, and a new resource has a new id", async () => {
    const record = async () => ({ a: 1, b: undefined, c: { d: undefined } });
    const { create, update } = provider({ create: record, update: record });
    expect(await create({}, undefined)).toStrictEqual({ id: "a-new-id", outs: { a: 1, c: {} } });
    expect(await update("id", {}, {}, undefined)).toStrictEqual({ outs: { a: 1, c: {} } });
  });

  it("hand the plan to the family", async () => {
    const update: Family<Plan>["update"] = async (_, __, plan) => ({ plan: plan.kind });
    const acting = provider({ update, plan: () => ({ kind: "act" }) });
    expect(await acting.update("id", {}, {}, undefined)).toEqual({ outs: { plan: "act" } });
  });

  it.each(["create", "update"])("keep the record of a failure that has one: %s", async (name) => {
    const fail = async () => {
      throw new RecordedFailure("The drill failed.", { outcome: "failed", leftover: undefined });
    };
    const failing = provider({ create: fail, update: fail });
    const inputs = { a: "input", __provider: "text" };
    const failure = await failureOf(
      name === "create" ? failing.create(inputs, undefined) : failing.update("an-id", {}, inputs, undefined),
    );
    expect(failure.message).toBe("The drill failed.");
    expect(failure).toMatchObject({
      id: name === "create" ? "a-new-id" : "an-id",
      reasons: ["The drill failed."],
      stack: "",
    });
    expect(failure.properties).toStrictEqual({ outcome: "failed", __provider: "text" });
  });

  it("fail otherwise with an error that the engine does not take for a resource that is there", async () => {
    const fail = async () => {
      throw new KeyVaultError(operation, credentialError);
    };
    const failing = provider({ create: fail, update: fail });
    for (const request of [failing.create({}, undefined), failing.update("id", {}, {}, undefined)]) {
      const failure = await failureOf(request);
      expect(failure.message).toContain("troubleshooting.md#credential");
      expect(failure.message).not.toContain(storedConfiguration);
      expect(failure.stack).toBe("");
      expect(failure).not.toHaveProperty("id");
    }
  });
});

describe("read", () => {
  it("reads what is recorded, without the provider's text", async () => {
    const read: Family<Plan>["read"] = async (recorded) => ({ ...recorded, b: undefined });
    const answer = await provider({ read }).read("id", { a: 1, __provider: "text" }, undefined);
    expect(answer).toStrictEqual({ id: "id", props: { a: 1 } });
  });

  it("of something that is no record fails with one clear sentence, and does not call the family", async () => {
    const failure = await failureOf(provider({ isRecord: () => false }).read("typed", { __provider: "t" }, undefined));
    expect(failure.message).toMatch(/^KeyThing "typed" is not in the state\..*KeyThing\.get and pulumi import are not/);
    expect(failure).toMatchObject({ stack: "" });
    expect(failure).not.toHaveProperty("id");
  });
});

describe("delete", () => {
  it("fails with an error for the user, which has the hint at recorded settings", async () => {
    const failing = provider({
      delete: async () => {
        throw new KeyVaultError(operation, credentialError);
      },
    });
    const failure = await failureOf(failing.delete("id", {}, undefined));
    expect(failure.message).toContain(storedConfiguration);
    expect(failure).toMatchObject({ stack: "" });
  });
});

describe("what a family has of the world", () => {
  async function inContext<T>(name: "create" | "read", use: (context: Context) => Promise<T> | T): Promise<T> {
    let used: T | undefined;
    const act = async (_: unknown, context: Context) => {
      used = await use(context);
      return {};
    };
    const { create, read } = provider({ create: act, read: act });
    await (name === "create" ? create({}, config) : read("id", {}, config));
    return used as T;
  }

  it("is the time, the printer, and connections with the engine's configuration", async () => {
    printed.length = 0;
    connected.length = 0;
    await inContext("create", ({ now, print, connect }) => {
      print("here", `at ${now()}`);
      connect("https://kv.vault.azure.net/");
    });
    expect(printed).toEqual(["KeyThing here: at 5"]);
    expect(connected).toEqual([["https://kv.vault.azure.net/", config]]);
  });

  it("says of an object whose vault cannot be asked that it is unreachable, and why", async () => {
    const service = await LocalKeyVault.start();
    trustLocalCertificate(service.certificatePem);
    const { vaultUri } = await service.createVault();
    const lookUp = ({ lookUp }: Context) => lookUp(key, vaultUri, "orders");
    expect(await inContext("read", lookUp)).toMatchObject({
      kind: "unreachable",
      because: expect.stringContaining(storedConfiguration),
    });
    expect(await inContext("create", lookUp)).toMatchObject({
      kind: "unreachable",
      because: expect.not.stringContaining(storedConfiguration),
    });
    await service.stop();
  });

  it("says the same of an object whose vault cannot even be connected to", async () => {
    const connect = environment.connect;
    Object.assign(environment, {
      connect: () => {
        throw new Error("timeoutSeconds must be a number.");
      },
    });
    try {
      expect(await inContext("read", ({ lookUp }) => lookUp(key, "https://kv/", "orders"))).toMatchObject({
        kind: "unreachable",
        because: "timeoutSeconds must be a number.",
      });
    } finally {
      Object.assign(environment, { connect });
    }
  });
});

it("A provider has the methods that the text in a state calls.", () => {
  const methods: (keyof pulumi.dynamic.ResourceProvider)[] = ["check", "diff", "create", "read", "update", "delete"];
  expect(Object.keys(provider({})).sort()).toEqual([...methods].sort());
});

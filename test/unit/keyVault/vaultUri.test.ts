import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  azCommand,
  isManagedHsm,
  isPrivateLinkName,
  nameMistakes,
  objectAt,
  objectUri,
  parseObjectUri,
  parseVaultUri,
} from "../../../src/keyVault/vaultUri";
import { isInHsm } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";
import { version } from "../../support/keyVault/backups";

const a = version("a");
/** The kinds, each with another one. */
const kinds = objectKinds.map((kind, index) => {
  const other = objectKinds[(index + 1) % objectKinds.length] ?? kind;
  return { kind, other, noun: kind.noun, collection: kind.collection };
});

describe.each(kinds)("the URI of a $noun", ({ kind, other, noun, collection }) => {
  const parse = (text: string) => parseObjectUri(kind, text);

  it.each([
    ["with a version", `https://kv.vault.azure.net/${collection}/orders/${a}`, a],
    ["without a version", `https://kv.vault.azure.net/${collection}/orders`, undefined],
    [
      "with the port of https and a slash at its end",
      `https://KV.vault.azure.net:443/${collection}/orders/`,
      undefined,
    ],
  ])(`names a vault, a ${noun} and perhaps a version: %s`, (_, uri, named) => {
    expect(parse(uri)).toEqual({ value: { vaultUri: "https://kv.vault.azure.net/", name: "orders", version: named } });
  });

  it("is read back from its parts", () => {
    fc.assert(
      fc.property(
        fc.domain(),
        fc.stringMatching(/^[0-9a-zA-Z-]{1,127}$/),
        fc.option(fc.stringMatching(/^[0-9a-f]{32}$/), { nil: undefined }),
        (host, name, named) => {
          const vaultUri = `https://${host.toLowerCase()}/`;
          const uri = `${objectUri(kind, vaultUri, name)}${named === undefined ? "" : `/${named}`}`;
          expect(parse(uri)).toEqual({ value: { vaultUri, name, version: named } });
        },
      ),
    );
  });

  it.each([
    ["without a scheme", `kv.vault.azure.net/${collection}/orders`, "is not an absolute URI"],
    ["that is empty", "", "is not an absolute URI"],
    ["by plain http", `http://kv.vault.azure.net/${collection}/orders`, "does not use https"],
    ["by plain http to this machine", `http://localhost:8080/${collection}/orders`, "does not use https"],
    ["by another scheme", `ftp://localhost/${collection}/orders`, "does not use https"],
    ["with a user name", `https://user@kv.vault.azure.net/${collection}/orders`, "contains a user name or a password"],
    [
      "with a password",
      `https://:hunter2@kv.vault.azure.net/${collection}/orders`,
      "contains a user name or a password",
    ],
    ["with a query", `https://kv.vault.azure.net/${collection}/orders?api-version=7.4`, "has a query"],
    ["with a fragment", `https://kv.vault.azure.net/${collection}/orders#x`, "has a fragment"],
    [
      "of another kind",
      `https://kv.vault.azure.net/${other.collection}/orders`,
      `names a ${other.noun}, not a ${noun}`,
    ],
    ["of a vault", "https://kv.vault.azure.net/", `is not the URI of a ${noun}`],
    ["of all objects of the kind", `https://kv.vault.azure.net/${collection}`, `is not the URI of a ${noun}`],
    ["of something else", "https://kv.vault.azure.net/storage/orders", `is not the URI of a ${noun}`],
    [
      "with too long a path",
      `https://kv.vault.azure.net/${collection}/orders/${a}/backup`,
      `is not the URI of a ${noun}`,
    ],
    [
      "with a bad name",
      `https://kv.vault.azure.net/${collection}/or_ders`,
      `names a ${noun} whose name is not 1 to 127 letters`,
    ],
    [
      "with a bad version",
      `https://kv.vault.azure.net/${collection}/orders/v-1`,
      "names a version that has other characters",
    ],
  ])("is refused %s", (_, uri, mistake) => {
    expect(parse(uri)).toEqual({ mistakes: [expect.stringContaining(mistake)] });
  });

  it("is refused with all of its mistakes and none of its text", () => {
    const { collection } = other;
    const parsed = parse(`http://user:hunter2@kv.vault.azure.net/${collection}/orders?sig=hunter2#hunter2`);
    expect(parsed).toHaveProperty("mistakes.length", 5);
    expect(JSON.stringify(parsed)).not.toContain("hunter2");
  });

  it("is read or refused, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true, withQueryParameters: true })), (text) => {
        const parsed = parse(text);
        expect("value" in parsed || parsed.mistakes.length > 0).toBe(true);
      }),
    );
  });
});

describe("the URI of an object in a Managed HSM", () => {
  it.each(kinds)("is that of a $noun only if an HSM holds $collection", ({ kind, collection }) => {
    const parsed = parseObjectUri(kind, `https://hsm1.managedhsm.azure.net/${collection}/orders`);
    const mistakes = [`names a Managed HSM, which holds no ${collection}`];
    expect(parsed).toEqual(isInHsm(kind) ? { value: expect.objectContaining({ name: "orders" }) } : { mistakes });
  });
});

describe("the object at a URI", () => {
  it.each(kinds)("is a $noun if the path says so", ({ kind }) => {
    const uri = `${objectUri(kind, "https://kv.vault.azure.net/", "orders")}/${a}`;
    const object = { kind, vaultUri: "https://kv.vault.azure.net/", name: "orders", version: a };
    expect(objectAt(uri)).toEqual(object);
  });

  it("is none if the path names no object", () => {
    for (const uri of ["https://kv.vault.azure.net/", "https://kv.vault.azure.net/storage/orders", "orders", ""]) {
      expect(objectAt(uri)).toBeUndefined();
    }
  });
});

describe("the URI of a vault", () => {
  it("has one spelling, with a slash at its end", () => {
    for (const host of ["kv.vault.azure.net", "KV.vault.azure.net/", "kv.vault.azure.net:443//"]) {
      expect(parseVaultUri(`https://${host}`)).toEqual({ value: "https://kv.vault.azure.net/" });
    }
    expect(parseVaultUri("https://localhost:8443")).toEqual({ value: "https://localhost:8443/" });
  });

  it.each([
    ["a path", "https://kv.vault.azure.net/keys", "has a path"],
    ["no scheme", "kv.vault.azure.net", "is not an absolute URI"],
    ["plain http", "http://kv.vault.azure.net/", "does not use https"],
  ])("is refused with %s", (_, uri, mistake) => {
    expect(parseVaultUri(uri)).toEqual({ mistakes: [expect.stringContaining(mistake)] });
  });
});

describe.each(kinds)("the URI of a vault for a $noun", ({ kind, collection }) => {
  it("is that of a vault, or of a Managed HSM if an HSM holds such objects", () => {
    const vault = "https://kv.vault.azure.net/";
    expect(parseVaultUri(vault, kind)).toEqual({ value: vault });
    const hsm = "https://hsm1.managedhsm.azure.net/";
    const refused = { mistakes: [`names a Managed HSM, which holds no ${collection}`] };
    expect(parseVaultUri(hsm, kind)).toEqual(isInHsm(kind) ? { value: hsm } : refused);
    expect(parseVaultUri(hsm)).toEqual({ value: hsm });
  });
});

describe("the name of an object", () => {
  it("has 1 to 127 letters, digits and hyphens", () => {
    for (const name of ["A-z-09", "a", "a".repeat(127)]) expect(nameMistakes(name)).toEqual([]);
    for (const name of ["", "a_b", "a b", "a/b", "ä", "a\n", "a".repeat(128)]) {
      expect(nameMistakes(name)).toEqual([expect.stringContaining("is not 1 to 127")]);
    }
  });
});

describe("the name of a host", () => {
  it("tells a private link", () => {
    expect(isPrivateLinkName("https://kv.privatelink.vaultcore.azure.net/")).toBe(true);
    expect(isPrivateLinkName("https://privatelink.vault.azure.net/")).toBe(false);
  });

  it("tells a Managed HSM", () => {
    expect(isManagedHsm("https://hsm.managedhsm.azure.net/")).toBe(true);
    expect(isManagedHsm("https://managedhsm.vault.azure.net/")).toBe(false);
  });
});

describe("a command of the Azure CLI", () => {
  it("names the vault or the HSM, and the object", () => {
    expect(azCommand("key", "purge", "https://kv-prod.vault.azure.net/", "orders")).toBe(
      "az keyvault key purge --vault-name kv-prod --name orders",
    );
    expect(azCommand("certificate", "show", "https://kv-prod.vault.azure.net/", "orders")).toBe(
      "az keyvault certificate show --vault-name kv-prod --name orders",
    );
    expect(azCommand("key", "recover", "https://hsm1.managedhsm.azure.net/", "orders")).toBe(
      "az keyvault key recover --hsm-name hsm1 --name orders",
    );
  });
});

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  isPrivateLinkName,
  keyNameMistakes,
  keyUriOf,
  keyVersionUriOf,
  parseKeyUri,
  parseVaultUri,
} from "../../../src/keyVault/keyReference";

const version = "78deebed173b48e48f55abf87ed4cf71";

describe("the URI of a key", () => {
  it.each([
    ["without a version", "https://kv.vault.azure.net/keys/orders", undefined],
    ["with a version", `https://kv.vault.azure.net/keys/orders/${version}`, version],
    ["with the port of https", `https://kv.vault.azure.net:443/keys/orders/${version}`, version],
    ["with two slashes", `https://kv.vault.azure.net//keys/orders/${version}`, version],
    ["with a slash at its end", "https://kv.vault.azure.net/keys/orders/", undefined],
    ["with a host in capitals", "https://KV.Vault.Azure.Net/keys/orders", undefined],
  ])("is read %s", (_, uri, keyVersion) => {
    const value = { vaultUri: "https://kv.vault.azure.net/", keyName: "orders", ...(keyVersion && { keyVersion }) };
    expect(parseKeyUri(uri)).toEqual({ value });
  });

  it("may be that of a Managed HSM", () => {
    expect(parseKeyUri("https://hsm.managedhsm.azure.net/keys/orders")).toEqual({
      value: { vaultUri: "https://hsm.managedhsm.azure.net/", keyName: "orders" },
    });
  });

  it("keeps the port of an emulator", () => {
    expect(parseKeyUri("https://localhost:8443/keys/orders")).toEqual({
      value: { vaultUri: "https://localhost:8443/", keyName: "orders" },
    });
  });

  it.each([
    ["a relative text", "kv.vault.azure.net/keys/orders", "is not an absolute URI"],
    ["nothing", "", "is not an absolute URI"],
    ["plain http to another machine", "http://kv.vault.azure.net/keys/orders", "does not use https"],
    ["another scheme", "ftp://kv.vault.azure.net/keys/orders", "does not use https"],
    ["a password", "https://user:hunter2@kv.vault.azure.net/keys/orders", "has a user name or a password"],
    ["a query", "https://kv.vault.azure.net/keys/orders?api-version=7.4", "has a query"],
    ["a fragment", "https://kv.vault.azure.net/keys/orders#x", "has a fragment"],
    ["a secret", "https://kv.vault.azure.net/secrets/orders", "names a secret, not a key"],
    ["a certificate", "https://kv.vault.azure.net/certificates/orders", "names a certificate, not a key"],
    ["a vault", "https://kv.vault.azure.net/", "is not the URI of a key"],
    ["no name", "https://kv.vault.azure.net/keys", "is not the URI of a key"],
    ["too long a path", `https://kv.vault.azure.net/keys/orders/${version}/backup`, "is not the URI of a key"],
    ["a bad name", "https://kv.vault.azure.net/keys/or_ders", "names a key whose name is not 1 to 127 letters"],
    ["a name of 128 characters", `https://kv.vault.azure.net/keys/${"a".repeat(128)}`, "names a key whose name is not"],
    ["a bad version", "https://kv.vault.azure.net/keys/orders/v%201", "names a version that is not"],
  ])("is refused with %s", (_, uri, mistake) => {
    const parsed = parseKeyUri(uri);
    expect(parsed).toEqual({ mistakes: [expect.stringContaining(mistake)] });
  });

  it("may use http on this machine alone", () => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) {
      expect(parseKeyUri(`http://${host}:8080/keys/orders`)).toHaveProperty("value.keyName", "orders");
    }
    for (const host of ["10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0"]) {
      expect(parseKeyUri(`http://${host}/keys/orders`)).toEqual({ mistakes: ["does not use https"] });
    }
  });

  it("has each of its mistakes told, and nothing of its text", () => {
    const parsed = parseKeyUri("http://user:hunter2@kv.vault.azure.net/secrets/orders?sig=hunter2#hunter2");
    expect(parsed).toHaveProperty("mistakes.length", 5);
    expect(JSON.stringify(parsed)).not.toContain("hunter2");
  });

  it("is read back from what is made of its parts", () => {
    fc.assert(
      fc.property(
        fc.domain(),
        fc.stringMatching(/^[0-9a-zA-Z-]{1,127}$/),
        fc.stringMatching(/^[0-9a-f]{32}$/),
        (host, keyName, keyVersion) => {
          const vaultUri = `https://${host.toLowerCase()}/`;
          const key = { vaultUri, keyName };
          expect(parseKeyUri(keyUriOf(key))).toEqual({ value: key });
          expect(parseKeyUri(keyVersionUriOf(key, keyVersion))).toEqual({ value: { ...key, keyVersion } });
        },
      ),
    );
  });

  it("is read or refused, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true, withQueryParameters: true })), (text) => {
        const parsed = parseKeyUri(text);
        expect("value" in parsed || parsed.mistakes.length > 0).toBe(true);
      }),
    );
  });
});

describe("the URI of a vault", () => {
  it("has one spelling, with a slash at its end", () => {
    for (const uri of [
      "https://kv.vault.azure.net",
      "https://KV.vault.azure.net/",
      "https://kv.vault.azure.net:443//",
    ]) {
      expect(parseVaultUri(uri)).toEqual({ value: "https://kv.vault.azure.net/" });
    }
  });

  it("has no path", () => {
    expect(parseVaultUri("https://kv.vault.azure.net/keys/orders")).toEqual({
      mistakes: [expect.stringContaining("has a path")],
    });
  });

  it("is known as that of a private link", () => {
    expect(isPrivateLinkName("https://kv.privatelink.vaultcore.azure.net/")).toBe(true);
    expect(isPrivateLinkName("https://kv.vault.azure.net/")).toBe(false);
  });
});

describe("the name of a key", () => {
  it("has 1 to 127 letters, digits and hyphens", () => {
    expect(keyNameMistakes("A-z-09")).toEqual([]);
    expect(keyNameMistakes("a".repeat(127))).toEqual([]);
    for (const name of ["", "a_b", "a b", "a/b", "ä", "a".repeat(128)]) {
      expect(keyNameMistakes(name)).toEqual([expect.stringContaining("is not 1 to 127")]);
    }
  });
});

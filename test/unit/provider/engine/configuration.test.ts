import { describe, expect, it } from "@jest/globals";
import { readConfiguration } from "../../../../src/provider/engine/configuration";

const read = (values: Record<string, string>) =>
  readConfiguration({ get: (name) => values[name.replace("azure-keyvault-backup:", "")] });

describe("the configuration", () => {
  it("has defaults if nothing is set, or if the engine hands over none", () => {
    const defaults = { disableChallengeResourceVerification: false, timeout: 180_000, mistakes: [] };
    expect(read({})).toEqual(defaults);
    expect(readConfiguration(undefined)).toEqual(defaults);
  });

  it("reads the settings of the package's namespace", () => {
    expect(read({ disableChallengeResourceVerification: "true", timeoutSeconds: "60" })).toEqual({
      disableChallengeResourceVerification: true,
      timeout: 60_000,
      mistakes: [],
    });
    expect(readConfiguration({ get: (name) => ({ timeoutSeconds: "60" })[name] }).timeout).toBe(180_000);
  });

  it.each(["1", "3600", "60"])("takes timeoutSeconds of %s", (timeoutSeconds) => {
    expect(read({ timeoutSeconds }).mistakes).toEqual([]);
  });

  it.each(["soon", "0", "-1", "16.1", "3601", "", "Infinity"])("refuses timeoutSeconds of %j", (timeoutSeconds) => {
    expect(read({ timeoutSeconds }).mistakes).toEqual([
      "azure-keyvault-backup:timeoutSeconds must be a whole number from 1 to 3600.",
    ]);
  });

  it.each(["yes", "TRUE", "", "1"])("refuses disableChallengeResourceVerification of %j, and stays safe", (value) => {
    expect(read({ disableChallengeResourceVerification: value })).toMatchObject({
      disableChallengeResourceVerification: false,
      mistakes: ["azure-keyvault-backup:disableChallengeResourceVerification must be true or false."],
    });
  });

  it("reports every mistake", () => {
    expect(read({ disableChallengeResourceVerification: "yes", timeoutSeconds: "soon" }).mistakes).toHaveLength(2);
  });
});

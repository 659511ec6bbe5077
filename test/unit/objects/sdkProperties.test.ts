import { describe, expect, it } from "@jest/globals";
import { deletedOf, isPurgeableBy, valueIn, versionOf } from "../../../src/objects/sdkProperties";

describe("a recovery level", () => {
  it.each([
    ["Recoverable+Purgeable", true],
    ["CustomizedRecoverable+Purgeable", true],
    ["Purgeable", true],
    ["Recoverable", false],
    ["CustomizedRecoverable+ProtectedSubscription", false],
    [undefined, undefined],
  ])("of %s tells whether a deleted object can be purged: %s", (level, isPurgeable) => {
    expect(isPurgeableBy(level)).toBe(isPurgeable);
  });
});

describe("a version", () => {
  it("that was never changed was changed when it was created", () => {
    const createdOn = new Date(1_000);
    expect(versionOf({ version: "AB", createdOn })).toMatchObject({
      version: "ab",
      createdAt: 1_000,
      updatedAt: 1_000,
    });
    expect(versionOf({ createdOn, updatedOn: new Date(2_000) }).updatedAt).toBe(2_000);
  });

  it("without properties has no tags and is not managed", () => {
    expect(versionOf({})).toEqual({
      version: "",
      createdAt: 0,
      updatedAt: 0,
      tags: {},
      attributes: {},
      isManaged: false,
    });
  });
});

describe("a deleted object", () => {
  it("has an unknown version if the service does not say", () => {
    expect(deletedOf({})).toMatchObject({ version: undefined, tags: {}, isPurgeable: undefined, purgedAt: undefined });
    expect(deletedOf({ version: "AB", scheduledPurgeDate: new Date(3_000) })).toMatchObject({
      version: "ab",
      purgedAt: 3_000,
    });
  });
});

describe("the value of an answer", () => {
  it.each([
    ["{}", undefined],
    ["null", undefined],
    [null, undefined],
    [undefined, undefined],
    ['{"value":"AAA="}', "AAA="],
    ['{"value":null}', null],
  ])("in %s is %s", (body, value) => {
    expect(valueIn(body)).toBe(value);
  });
});

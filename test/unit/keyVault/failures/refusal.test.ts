import { describe, expect, it } from "@jest/globals";
import { wordsOf } from "../../../../localVault/objectKind";
import * as objectAnswers from "../../../../localVault/objectRefusal";
import type { Answer } from "../../../../localVault/serviceError";
import * as answers from "../../../../localVault/serviceError";
import { isNotFound } from "../../../../src/keyVault/failures/refusal";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { ofHsm, refusal, refused, vaultUri } from "./serviceRefusals";

describe.each(objectKinds)("a refusal of an operation on a $noun", (kind) => {
  const words = wordsOf[kind.collection];
  const uri = `${vaultUri}${kind.collection}/a/1`;

  it("tells a missing permission from other refusals", () => {
    const isMissing = (answer: Answer) => refusal(answer).isPermissionMissing;
    expect(
      (["rbac", "accessPolicy", "accessDenied"] as const).map((reason) => isMissing(refused(kind, reason))),
    ).toEqual([true, true, true]);
    expect(
      (["firewall", "privateLink", "certificate"] as const).map((reason) => isMissing(refused(kind, reason))),
    ).toEqual([false, false, false]);
    expect(isMissing(ofHsm(403, "AccessDenied", "No."))).toBe(true);
    expect(isMissing(answers.refusal(400, "AccessDenied", "No."))).toBe(false);
  });

  it("tells the states of a name apart", () => {
    const state = (answer: Answer) => {
      const { isConflict, isInTransition, isSoftDeleted } = refusal(answer);
      return [isConflict, isInTransition, isSoftDeleted];
    };
    expect(state(objectAnswers.nameIsInTransition(words, "a", "deleted"))).toEqual([true, true, false]);
    expect(state(objectAnswers.nameIsInTransition(words, "a", "recovered"))).toEqual([true, true, false]);
    expect(state(objectAnswers.objectIsDeleted(words, "a"))).toEqual([true, false, true]);
    expect(state(objectAnswers.restoreConflict(words, uri))).toEqual([true, false, false]);
    expect(state(answers.plainRefusal(400))).toEqual([false, false, false]);
  });
});

describe("a refusal", () => {
  it("tells a missing object from a proxy's 404", () => {
    expect(isNotFound(refusal(answers.plainRefusal(404)))).toBe(true);
    expect(isNotFound(refusal({ status: 404, body: "<html>" }))).toBe(false);
    expect(isNotFound(refusal(answers.plainRefusal(400)))).toBe(false);
    expect(isNotFound(new Error("404"))).toBe(false);
  });

  it.each([
    ["no body", undefined],
    ["no JSON", "OK"],
    ["JSON null", "null"],
    ["other members", '{"error":"hunter2"}'],
    ["members of other types", '{"error":{"code":42,"message":{},"innererror":"x"}}'],
    ["empty members", '{"error":{"code":"","message":""}}'],
  ])("can have %s", (_, body) => {
    expect(refusal({ status: 400, body })).toMatchObject({
      status: 400,
      statusCode: 400,
      code: undefined,
      innerCode: undefined,
      explanation: "",
    });
  });
});

import { answerObjectOperation } from "./answerObjectOperation";
import { addVersion, type ObjectRequest, type ObjectService } from "./objectAnswer";
import { objectIsDisabled } from "./objectRefusal";
import type { NewSecret, SecretChange, SecretVersion } from "./secretKind";
import { type Answer, invalidProperty } from "./serviceError";

/** What the service answers to an operation on secrets. Only set and get answer a value. */
export async function answerSecretOperation(
  service: ObjectService<SecretVersion, NewSecret, SecretChange>,
  request: ObjectRequest,
): Promise<Answer> {
  const { vault, store, kind } = service;
  const { operation, objectName, body } = request;
  switch (operation) {
    case "set": {
      const { value } = body;
      if (typeof value !== "string") return invalidProperty("value");
      const issue = { vaultKind: vault.kind, name: objectName, base: store.newVersion() };
      const answer = await addVersion(service, request, () => kind.create(issue, { value, ...kind.readChange(body) }));
      return withValue(answer, value);
    }
    case "get": {
      const version = store.version(objectName, request.version);
      if (version?.enabled === false) return objectIsDisabled(kind.words, "get");
      return withValue(await answerObjectOperation(service, request), version?.value);
    }
    case "getDeleted": {
      const answer = await answerObjectOperation(service, request);
      const isDisabled = store.deletedObject(objectName)?.versions.at(-1)?.enabled === false;
      return answer.status === 200 && isDisabled ? objectIsDisabled(kind.words, "get") : answer;
    }
    default:
      return answerObjectOperation(service, request);
  }
}

function withValue(answer: Answer, value: string | undefined): Answer {
  return answer.status === 200 ? { ...answer, body: { value, ...(answer.body as object) } } : answer;
}

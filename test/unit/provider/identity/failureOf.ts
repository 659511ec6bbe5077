import { CredentialError } from "../../../../src/provider/identity/credentialError";

/** The CredentialError of a call that must fail with one. */
export async function failureOf(call: () => Promise<unknown>): Promise<CredentialError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof CredentialError) {
      return error;
    }
    throw new Error("The call failed with another error.", { cause: error });
  }
  throw new Error("The call did not fail.");
}

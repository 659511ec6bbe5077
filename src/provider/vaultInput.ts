import { parseVaultUri } from "../keyVault/keyReference";
import { privateLinkMistakes } from "./privateLink";
import type { Properties } from "./shapes";
import { textIn } from "./valuesIn";

/** Inputs as `check` completes them. */
export interface Checked {
  readonly inputs: Properties;
  /** One sentence per mistake. No value is repeated in it: it may be secret. */
  readonly mistakes: readonly string[];
}

/** The vault in its canonical form; undefined while it is not known, or where it is none. */
export function checkVault(value: unknown, allowPrivateLink: boolean): { vaultUri?: string; mistakes: string[] } {
  if (value === undefined) {
    return { mistakes: ["vaultUri is missing: give the URI of the vault to restore into."] };
  }
  const text = textIn(value);
  if (text === undefined) {
    return { mistakes: [] };
  }
  const parsed = parseVaultUri(text);
  if ("mistakes" in parsed) {
    return { mistakes: parsed.mistakes.map((mistake) => `vaultUri ${mistake}.`) };
  }
  return {
    vaultUri: parsed.value,
    mistakes: allowPrivateLink ? [] : privateLinkMistakes("vaultUri", parsed.value),
  };
}

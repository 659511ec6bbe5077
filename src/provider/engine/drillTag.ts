import { createHash } from "node:crypto";

const tagName = "restore-drill-of";

// The service takes tag values of up to 256 characters.
const longestTag = 256;

/**
 * The one tag that marks a copy, with the vault that it is in and the resource that made it. Tags travel in backups: a tag
 * that was made for another vault says nothing.
 */
export function drillTag(vaultUri: string, owner: string): Record<string, string> {
  const { host } = new URL(vaultUri);
  const value = `${host} ${owner}`;
  const isLong = value.length > longestTag;
  return { [tagName]: isLong ? `${host} ${createHash("sha256").update(owner).digest("hex")}` : value };
}

/** The resource that made an object as the copy of a drill in this vault; undefined if none did. */
export function drillOwnerIn(vaultUri: string, tags: Readonly<Record<string, string>>): string | undefined {
  const { host } = new URL(vaultUri);
  const value = tags[tagName];
  return value?.startsWith(`${host} `) ? value.slice(host.length + 1) : undefined;
}

const turns = new Map<string, Promise<unknown>>();

/** Restores of objects with one name into one vault take turns: none sees what another one is about to remove. */
export async function takeTurn<T>(vaultUri: string, name: string, run: () => Promise<T>): Promise<T> {
  const place = `${vaultUri} ${name.toLowerCase()}`;
  const turn = (turns.get(place) ?? Promise.resolve()).then(run, run);
  turns.set(
    place,
    turn.catch(() => undefined),
  );
  return turn;
}

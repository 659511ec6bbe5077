import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Copies } from "../../../src/copies/copies";
import type { Mutant } from "./mutant";
import type { Step } from "./steps";
import type { Mutation } from "./world";

/** Changes how copies are written, read and looked at. */
function copies(change: (copies: Copies) => Partial<Copies>): Mutation {
  return {
    environment: ({ reachCopies }) => ({
      reachCopies: (config) => {
        const usual = reachCopies(config);
        return { ...usual, ...change(usual) };
      },
    }),
  };
}

// By the detail of a step: the first place alone, without blobs in the state; and with them.
const inFirstAlone: Step = ["where backups are kept changes", 0];
const alsoInFirst: Step = ["where backups are kept changes", 4];

/** A look shows a removed copy as it was when it was written. */
const asWritten = (): Mutation => {
  const written = new Map<string, { bytes: number; contentMd5: string }>();
  return copies(({ look, write }) => ({
    write: async (uri, bytes, facts) => {
      const contentMd5 = await write(uri, bytes, facts);
      written.set(uri, { bytes: bytes.length, contentMd5 });
      return contentMd5;
    },
    look: async (uri) => {
      const seen = await look(uri);
      const known = written.get(uri);
      return seen.kind === "missing" && known ? { kind: "found", ...known } : seen;
    },
  }));
};

export const mutantsOfCopies: readonly Mutant[] = [
  {
    title: "says that a copy is written, and writes none",
    caught: /^No blob holds/,
    mutation: copies(() => ({ write: async () => "bWQ1" })),
    steps: [["pulumi up", 1], inFirstAlone, ["pulumi up", 1]],
  },
  {
    title: "removes the copies in a place that the program no longer names",
    caught: /^A copy is overwritten or removed/,
    mutation: {
      provider: ({ update }) => ({
        update: async (id, olds, news, config) => {
          const updated = await update(id, olds, news, config);
          const kept = JSON.stringify(updated.outs);
          for (const { uri } of (olds.copies ?? []) as { uri: string }[]) {
            if (!kept.includes(uri)) {
              await rm(fileURLToPath(uri), { force: true });
            }
          }
          return updated;
        },
      }),
    },
    steps: [alsoInFirst, ["pulumi up", 1], ["where backups are kept changes", 10], ["pulumi up", 1]],
  },
  {
    title: "overwrites a copy that was changed",
    caught: /^A copy is overwritten or removed/,
    mutation: copies(({ look }) => ({
      look: async (uri) => {
        const seen = await look(uri);
        await writeFile(fileURLToPath(uri), "as it was").catch(() => undefined);
        return seen;
      },
    })),
    steps: [alsoInFirst, ["pulumi up", 1], ["a copy is changed", 0], ["pulumi refresh", 0]],
  },
  {
    title: "deletes a backup without a look at the copy that is to hold it",
    caught: /^No blob holds/,
    mutation: {
      family: (family, resource) =>
        resource !== "backup"
          ? {}
          : {
              delete: async (recorded, context) => {
                const { copies = [] } = recorded as { copies?: unknown[] };
                if (copies.length === 0) {
                  await family.delete(recorded, context);
                }
              },
            },
    },
    steps: [
      alsoInFirst,
      ["pulumi up", 1],
      ["a copy is removed", 0],
      ["an object is deleted", 0],
      ["pulumi destroy", 0],
    ],
  },
  {
    title: "takes the blob out of the state without a look at the copy",
    caught: /^No blob holds/,
    mutation: asWritten(),
    steps: [alsoInFirst, ["pulumi up", 1], ["a copy is removed", 0], inFirstAlone, ["pulumi up", 1]],
  },
];

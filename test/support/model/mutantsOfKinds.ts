import { Refusal } from "../../../src/keyVault/failures/refusal";
import { client, type Mutant, recording } from "./mutant";
import type { Mutation } from "./world";

/** Each refresh reads the value of a version that it lists. */
function readingInRefresh(): Mutation {
  let isRefreshing = false;
  return {
    client: ({ client: { listVersions, getValue } }) => ({
      listVersions: async (name, signal) => {
        const versions = await listVersions(name, signal);
        const [first] = isRefreshing ? versions : [];
        if (first !== undefined) {
          await getValue?.(name, first.version, signal);
        }
        return versions;
      },
    }),
    provider: ({ read }) => ({
      read: async (...args) => {
        isRefreshing = true;
        try {
          return await read(...args);
        } finally {
          isRefreshing = false;
        }
      },
    }),
  };
}

/** A drill records something of the last value that it read. */
function recordingValue(change: (outs: Record<string, unknown>, value: string) => Record<string, unknown>): Mutation {
  let value = "";
  return {
    ...client("drill", ({ getValue }) => ({
      getValue: async (...args) => {
        value = (await getValue?.(...args)) ?? "";
        return value;
      },
    })),
    ...recording("drill", (outs) => (value === "" ? outs : change(outs, value))),
  };
}

/** Defects that show with some kinds of objects. */
export const mutantsOfKinds: readonly Mutant[] = [
  {
    title: "reads a value in a refresh",
    nouns: ["secret"],
    caught: /^A value is read: in the refresh/,
    mutation: readingInRefresh(),
    steps: [
      ["pulumi up", 1],
      ["pulumi refresh", 0],
    ],
  },
  {
    title: "reads a value in a backup",
    nouns: ["secret"],
    caught: /^A value is read: in the update of a backup/,
    mutation: client("backup", ({ getValue, backUp }) => ({
      backUp: async (name, signal) => {
        await getValue?.(name, "", signal);
        return backUp(name, signal);
      },
    })),
    steps: [["pulumi up", 1]],
  },
  {
    title: "reads a value when it restores",
    nouns: ["secret"],
    caught: /^A value is read: in the update of a restore/,
    mutation: client("restore", ({ getValue, restore }) => ({
      restore: async (blob, signal) => {
        const restored = await restore(blob, signal);
        await getValue?.(restored.name, restored.version, signal);
        return restored;
      },
    })),
    steps: [["pulumi up", 1]],
  },
  {
    title: "records a value as an output",
    nouns: ["secret"],
    caught: /^A secret is shown: a value/,
    mutation: recordingValue((outs, value) => ({ ...outs, checkedValue: value })),
    steps: [["pulumi up", 1]],
  },
  {
    title: "records a value in the reason of a leftover",
    nouns: ["secret"],
    caught: /^A secret is shown: a value/,
    mutation: recordingValue(({ leftover, ...outs }, value) => ({
      ...outs,
      ...(leftover === undefined ? {} : { leftover: { ...leftover, because: `${value} is still there` } }),
    })),
    steps: [
      ["onFailure changes", 0],
      ["pulumi up", 1],
      ["a permission is lost", 28],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "adopts a secret with another value",
    nouns: ["secret"],
    isRare: true,
    caught: /^Another object is restored, or adopted/,
    mutation: client("restore", () => ({ getValue: async () => "the same" })),
    steps: [
      ["pulumi up", 1],
      ["the value of a secret in the target vault changes", 0],
      ["the program loses a resource", 1],
      ["pulumi up", 1],
      ["the program declares all resources", 0],
      ["pulumi up", 1],
    ],
  },
  {
    title: "takes a key that has the name of a certificate for the certificate",
    nouns: ["certificate"],
    caught: /^A restore is recorded of what is not there/,
    mutation: client("restore", ({ restore }) => ({
      restore: async (blob, signal) => {
        try {
          return await restore(blob, signal);
        } catch (error) {
          const named = /certificates\/([^/]+)\/(\w+)/.exec(error instanceof Refusal ? error.explanation : "");
          if (named === null) {
            throw error;
          }
          return { name: named[1] ?? "", version: named[2] ?? "" };
        }
      },
    })),
    steps: [
      ["an object of another kind takes the name, or loses it", 0],
      ["pulumi up", 1],
    ],
  },
  {
    title: "does not say that a key has the name of a certificate",
    nouns: ["certificate"],
    caught: /^It is not said what has the name/,
    mutation: {
      client: ({ kind, resource }) =>
        resource === "restore" && kind.noun !== "certificate" ? { listVersions: async () => [] } : {},
    },
    steps: [
      ["an object of another kind takes the name, or loses it", 0],
      ["pulumi up", 1],
    ],
  },
  {
    title: "does not say in a drill that a key has the name of a certificate",
    nouns: ["certificate"],
    caught: /^It is not said what blocks a drill/,
    mutation: {
      client: ({ kind, resource }) =>
        resource === "drill" && kind.noun !== "certificate" ? { listVersions: async () => [] } : {},
    },
    steps: [
      ["onFailure changes", 0],
      ["an object of another kind takes the name, or loses it", 1],
      ["pulumi up", 1],
    ],
  },
  {
    title: "purges a soft-deleted secret whose version it does not know",
    nouns: ["secret"],
    isRare: true,
    caught: /^An object of the user's in the target vault is changed/,
    mutation: client("restore", ({ listVersions, getDeleted }) => {
      let last: string | undefined;
      return {
        listVersions: async (name, signal) => {
          const versions = await listVersions(name, signal);
          last = versions[0]?.version ?? last;
          return versions;
        },
        getDeleted: async (name, signal) => {
          const deleted = await getDeleted(name, signal);
          return deleted && { ...deleted, version: deleted.version ?? last };
        },
      };
    }),
    steps: [
      ["onNewVersions changes", 1],
      ["pulumi up", 1],
      ["an object is created anew", 2],
      ["an object is disabled", 2],
      ["an object is deleted", 2],
      ["the object is rotated", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
];

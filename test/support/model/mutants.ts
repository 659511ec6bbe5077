import { drillTag } from "../../../src/provider/engine/drillTag";
import type { Properties } from "../provider/memoryEngine";
import { client, type Mutant, recording } from "./mutant";
import { mutantsOfCopies } from "./mutantsOfCopies";
import { mutantsOfKinds } from "./mutantsOfKinds";
import type { Step } from "./steps";
import type { Mutation } from "./world";

/** Each object looks as if the drill had made it, whose versions nobody knows. */
function ownedByAll(looks: readonly ("active" | "deleted")[]): Mutation {
  const forgetful = (inputs: Properties): Properties => ({
    ...inputs,
    backup: { ...(inputs.backup as object), versions: [] },
  });
  return {
    ...client("drill", ({ listVersions, getDeleted }, vaultUri) => {
      let tag: Record<string, string> = {};
      let listed: string | undefined;
      const owned = <T extends { readonly tags: object }>(one: T): T => ({ ...one, tags: { ...one.tags, ...tag } });
      return {
        listVersions: async (name, signal) => {
          tag = drillTag(vaultUri, `contoso/shop/dev/${name.replace("invoices", "orders")}`);
          const versions = await listVersions(name, signal);
          listed = versions[0]?.version ?? listed;
          return looks.includes("active") ? versions.map(owned) : versions;
        },
        getDeleted: async (name, signal) => {
          const deleted = await getDeleted(name, signal);
          return deleted && looks.includes("deleted")
            ? { ...owned(deleted), version: listed ?? deleted.version }
            : deleted;
        },
      };
    }),
    provider: ({ create, update }, resource) =>
      resource !== "drill"
        ? {}
        : {
            create: (inputs, config) => create(forgetful(inputs), config),
            update: (id, { restoredVersions: _, ...olds }, news, config) => update(id, olds, forgetful(news), config),
          },
  };
}

const restored: readonly Step[] = [
  ["onNewVersions changes", 1],
  ["pulumi up", 1],
];

export const mutants: readonly Mutant[] = [
  {
    title: "drops earlier backups whose versions are unknown",
    caught: /^No blob holds/,
    mutation: recording("backup", ({ previous, ...outs }) => {
      const kept = Object.entries(previous as Record<string, { versions: string[] }>);
      return { ...outs, previous: Object.fromEntries(kept.filter(([, { versions }]) => versions.length > 0)) };
    }),
    steps: [
      ["a permission is lost", 0],
      ["pulumi up", 1],
      ["all permissions are granted", 0],
      ["an object is created anew", 0],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "drops all earlier backups",
    caught: /^No blob holds/,
    mutation: recording("backup", (outs) => ({ ...outs, previous: {} })),
    steps: [
      ["pulumi up", 1],
      ["an object is created anew", 0],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "drops earlier backups in a refresh",
    caught: /^No blob holds/,
    mutation: {
      provider: ({ read }) => ({
        read: async (...args) => {
          const { id, props } = await read(...args);
          return { id, props: "previous" in props ? { ...props, previous: {} } : props };
        },
      }),
    },
    steps: [
      ["pulumi up", 1],
      ["an object is created anew", 0],
      ["pulumi up, with all asked for anew", 1],
      ["pulumi refresh", 0],
    ],
  },
  {
    title: "reports the backup of a missing object as gone",
    caught: /^No blob holds/,
    mutation: {
      provider: ({ read }) => ({
        read: async (...args) => {
          const seen = await read(...args);
          return seen.props.sourceStatus === "missing" ? { id: "", props: {} } : seen;
        },
      }),
    },
    steps: [
      ["pulumi up", 1],
      ["an object is deleted", 0],
      ["pulumi refresh", 0],
    ],
  },
  {
    title: "takes a source that it may not read for unchanged when it deletes a backup",
    caught: /^No blob holds/,
    mutation: {
      family: (family, resource) =>
        resource !== "backup"
          ? {}
          : {
              delete: async (recorded, context) => {
                try {
                  await family.delete(recorded, context);
                } catch (error) {
                  if (!String(error).includes("403")) {
                    throw error;
                  }
                }
              },
            },
    },
    steps: [
      ["pulumi up", 1],
      ["an object is created anew", 0],
      ["the permission to read is lost", 0],
      ["pulumi destroy", 0],
    ],
  },
  {
    title: "drops the newest backup when the program forgets it",
    caught: /^A record has no blob/,
    mutation: recording("backup", ({ blob, ...outs }, olds, news) => {
      const isForgotten = ((news.forget ?? []) as string[]).includes(String(outs.blobSha256));
      return isForgotten && outs.blobSha256 === olds.blobSha256 ? outs : { ...outs, blob };
    }),
    steps: [
      ["pulumi up", 1],
      ["the program forgets a backup", 0],
      ["forceDelete changes", 0],
      ["pulumi up", 1],
    ],
  },
  {
    title: "trusts the list of versions that it made before the backup",
    caught: /^A record (claims|leaves out)/,
    mutation: client("backup", ({ listVersions }) => {
      const listed = new WeakMap<AbortSignal, ReturnType<typeof listVersions>>();
      return {
        listVersions: (name, signal) => {
          const versions = listed.get(signal) ?? listVersions(name, signal);
          listed.set(signal, versions);
          return versions;
        },
        getCurrent: undefined,
      };
    }),
    steps: [
      ["the object is created anew during its backup", 0],
      ["pulumi up", 1],
    ],
  },
  {
    title: "takes no notice of a changed object",
    caught: /^A backup stays stale/,
    mutation: {
      provider: ({ diff }) => ({
        diff: (id, { sourceStatus: _, ...olds }, news, config) => diff(id, olds, news, config),
      }),
    },
    steps: [
      ["pulumi up", 1],
      ["the object is rotated", 0],
      ["pulumi up --refresh, with nothing in its way", 0],
    ],
  },
  {
    title: "recreates a replica whatever versions it has",
    caught: /^An object of the user's in the target vault is changed/,
    mutation: client("restore", ({ listVersions, getDeleted }) => {
      let first: string | undefined;
      return {
        // The versions after the first one are not seen, so that they are in no way.
        listVersions: async (name, signal) => {
          const versions = (await listVersions(name, signal)).sort((one, other) => one.createdAt - other.createdAt);
          first = versions[0]?.version;
          return versions.slice(0, 1);
        },
        getDeleted: async (name, signal) => {
          const deleted = await getDeleted(name, signal);
          return deleted && { ...deleted, version: first ?? deleted.version };
        },
      };
    }),
    steps: [
      ...restored,
      ["an object is rotated", 2],
      ["the object is rotated", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "does not look again before it purges a replica",
    caught: /^An object of the user's in the target vault is changed/,
    mutation: client("restore", ({ listVersions, getDeleted }) => {
      let version = "";
      return {
        listVersions: async (name, signal) => {
          const versions = await listVersions(name, signal);
          version = versions[0]?.version ?? version;
          return versions;
        },
        getDeleted: async (name, signal) => {
          const deleted = await getDeleted(name, signal);
          return deleted && { ...deleted, version };
        },
      };
    }),
    steps: [
      ...restored,
      ["the object is rotated", 1],
      ["the user replaces the object that is deleted to be recreated", 0],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "takes every object in the scratch vault for a copy of its own",
    caught: /^An object of the user's in the scratch vault is changed/,
    mutation: ownedByAll(["active", "deleted"]),
    steps: [
      ["an object is created anew", 1],
      ["pulumi up", 1],
      ["an object is created anew", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "does not look again before it purges a copy",
    caught: /^An object of the user's in the scratch vault is changed/,
    mutation: ownedByAll(["deleted"]),
    steps: [
      ["pulumi up", 1],
      ["the user replaces the copy that a drill deleted", 0],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "takes a restore without an answer for one that was not carried out",
    caught: /^A drill leaves a copy/,
    mutation: {
      environment: ({ connect }, resource) =>
        resource !== "drill"
          ? {}
          : {
              connect: (vaultUri, config) => {
                const connection = connect(vaultUri, config);
                const carryOut: typeof connection.carryOut = async (task, attempt) => {
                  try {
                    return await connection.carryOut(task, (requests) =>
                      attempt({ ...requests, mayBeDone: () => false }),
                    );
                  } catch (error) {
                    throw Object.assign(error as Error, { mayBeDone: false });
                  }
                };
                const once: typeof connection.once = (task, attempt) => connection.once(task, attempt);
                return { vaultUri, waits: connection.waits, carryOut, once } as typeof connection;
              },
            },
    },
    steps: [
      ["pulumi up", 1],
      ["onFailure changes", 1],
      ["answers are lost", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "does not record the copy that it could not remove",
    caught: /^A drill leaves a copy/,
    mutation: recording("drill", ({ leftover: _, ...outs }) => outs),
    steps: [
      ["pulumi up", 1],
      ["a permission is lost", 28],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "fails an update in spite of onFailure",
    caught: /^A drill fails an update/,
    mutation: {
      family: (family, resource) =>
        resource !== "drill"
          ? {}
          : {
              update: (recorded, declared, ...others) =>
                family.update(recorded, { ...declared, onFailure: "fail" }, ...others),
            },
    },
    steps: [
      ["onFailure changes", 1],
      ["pulumi up", 1],
      ["an object is created anew", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "looks at the source in an unchanged update",
    caught: /^(An unchanged pulumi up|A preview) makes a request/,
    mutation: {
      provider: ({ read, diff }, resource) =>
        resource !== "backup"
          ? {}
          : {
              diff: async (id, olds, news, config) => {
                await read(id, olds, config);
                return diff(id, olds, news, config);
              },
            },
    },
    steps: [["pulumi up", 1]],
  },
  {
    title: "shows a blob",
    caught: /^A secret is shown/,
    mutation: {
      family: (family, resource) =>
        resource !== "restore" ? {} : { uriOf: (recorded) => `${family.uriOf(recorded)} ${JSON.stringify(recorded)}` },
      provider: ({ update }, resource) =>
        resource !== "restore"
          ? {}
          : {
              update: async (id, olds, news, config) => {
                const { outs } = await update(id, olds, news, config);
                return { outs: { ...outs, statusReason: JSON.stringify(news.backup) } };
              },
            },
    },
    steps: [
      ["pulumi up", 1],
      ["the object is rotated", 1],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  {
    title: "records versions that its blob does not hold",
    caught: /^A record claims a version/,
    mutation: recording("backup", (outs, olds) => {
      const versions = [...((outs.versions ?? []) as string[]), ...((olds.versions ?? []) as string[])];
      return { ...outs, versions: [...new Set(versions)] };
    }),
    steps: [
      ["pulumi up", 1],
      ["an object is created anew", 0],
      ["pulumi up, with all asked for anew", 1],
    ],
  },
  ...mutantsOfCopies,
  ...mutantsOfKinds,
];

import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const packageName = "pulumi-azure-keyvault-backup";

/** How a project comes to have the package. */
export type Layout =
  /** A copy in node_modules, among everything else. */
  | "copy"
  /** A link to a folder elsewhere with a node_modules of its own: workspaces, `npm link`. */
  | "link"
  /** A link into a store, where only the package has its dependencies. */
  | "store"
  /** A copy, with no TypeScript for anybody. */
  | "withoutTypeScript"
  /** Not at all. */
  | "absent";

/** A project in a temporary folder of its own, with the package as `installPackage` unpacked it. */
export class ProjectFolder {
  /** Where its programs and its provider process run. */
  readonly path: string;
  readonly #temporary: string;

  private constructor(temporary: string) {
    this.#temporary = temporary;
    this.path = path.join(temporary, "infrastructure");
  }

  static async create(installed: string, layout: Layout): Promise<ProjectFolder> {
    const temporary = await mkdtemp(path.join(tmpdir(), "provider-process-"));
    const project = new ProjectFolder(temporary);
    await mkdir(project.path);
    await layOut[layout](path.join(installed, "node_modules"), path.join(project.path, "node_modules"), temporary);
    return project;
  }

  async remove(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
  }
}

type LayOut = (from: string, modules: string, temporary: string) => Promise<void>;

const usersOwn = ["@pulumi/pulumi", "typescript"];

const layOut: Readonly<Record<Layout, LayOut>> = {
  copy: (from, modules) => link(from, modules),
  async link(from, modules, temporary) {
    const target = path.join(temporary, "packages", "key-backup");
    await cp(path.join(from, packageName), target, { recursive: true });
    await linkAll([...(await dependenciesOf(target)), ...usersOwn], from, path.join(target, "node_modules"));
    await linkAll(usersOwn, from, modules);
    await link(target, path.join(modules, packageName));
  },
  async store(from, modules) {
    const store = path.join(modules, ".pnpm", `${packageName}@1.0.0`, "node_modules");
    const target = path.join(store, packageName);
    await cp(path.join(from, packageName), target, { recursive: true });
    await linkAll([...(await dependenciesOf(target)), "@pulumi/pulumi"], from, store);
    await linkAll(usersOwn, from, modules);
    await link(target, path.join(modules, packageName));
  },
  async withoutTypeScript(from, modules) {
    await linkAll(await dependenciesOf(path.join(from, packageName)), from, modules);
    // A copy, for Node.js looks for TypeScript where a link leads to.
    for (const name of [packageName, "@pulumi/pulumi"]) {
      await cp(path.join(from, name), path.join(modules, name), { recursive: true, dereference: true });
    }
    const all = path.resolve(__dirname, "../../../node_modules");
    await linkAll(await dependenciesOf(path.join(modules, "@pulumi/pulumi")), all, modules);
  },
  absent: (from, modules) => linkAll(usersOwn, from, modules),
};

async function dependenciesOf(folder: string): Promise<string[]> {
  const { dependencies } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies);
}

async function linkAll(names: readonly string[], from: string, modules: string): Promise<void> {
  for (const name of names) {
    await link(path.join(from, name), path.join(modules, name));
  }
}

async function link(target: string, at: string): Promise<void> {
  await mkdir(path.dirname(at), { recursive: true });
  await symlink(target, at, "dir");
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Program {
  readonly name: string;
  /** Folder of the go.mod that pins the version. */
  readonly module: string;
  readonly package: string;
  readonly flags: readonly string[];
}

export interface EngineRecipe {
  readonly version: string;
  /** Name of the cache entry, with a hash of everything that affects the build. */
  readonly name: string;
  readonly programs: readonly [Program, Program];
}

const ENGINE = "github.com/pulumi/pulumi/pkg/v3";
const SDK = "github.com/pulumi/pulumi/sdk/v3";

function pinnedVersion(goMod: string): string {
  const version = new RegExp(`^\\s*${ENGINE} v(\\S+)`, "m").exec(goMod)?.[1];
  if (version === undefined) {
    throw new Error(`engine/pulumi/go.mod does not require ${ENGINE}.`);
  }
  return version;
}

/** What to build, as pinned by the two Go modules in this folder. */
export async function engineRecipe(): Promise<EngineRecipe> {
  const pulumi = join(__dirname, "pulumi");
  const languageHost = join(__dirname, "language-nodejs");
  const version = pinnedVersion(await readFile(join(pulumi, "go.mod"), "utf8"));
  const programs: readonly [Program, Program] = [
    {
      name: "pulumi",
      module: pulumi,
      package: `${ENGINE}/cmd/pulumi`,
      flags: [
        "-trimpath",
        "-tags",
        "grpcnotrace,osusergo",
        "-ldflags",
        `-s -w -X ${SDK}/go/common/version.Version=v${version}`,
      ],
    },
    {
      name: "pulumi-language-nodejs",
      module: languageHost,
      package: `${SDK}/nodejs/cmd/pulumi-language-nodejs`,
      flags: ["-trimpath", "-ldflags", "-s -w"],
    },
  ];
  const hash = createHash("sha256");
  for (const program of programs) {
    hash.update(await readFile(join(program.module, "go.mod")));
    hash.update(await readFile(join(program.module, "go.sum")));
    hash.update(JSON.stringify([program.package, program.flags]));
  }
  const name = `engine-v${version}-${process.platform}-${process.arch}-${hash.digest("hex").slice(0, 12)}`;
  return { version, name, programs };
}

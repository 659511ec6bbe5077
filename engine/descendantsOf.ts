import { execFileSync } from "node:child_process";

export interface RunningProcess {
  readonly id: number;
  readonly parent: number;
  /** The command line. */
  readonly args: string;
}

/** The children of a process, their children, and so on. */
export function descendantsOf(id: number): RunningProcess[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const processes = lines.map((line) => {
    const [, own, parent, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { id: Number(own), parent: Number(parent), args };
  });
  const below = (parents: readonly number[]): RunningProcess[] => {
    const children = processes.filter(({ parent }) => parents.includes(parent));
    return children.length === 0 ? [] : [...children, ...below(children.map((child) => child.id))];
  };
  return below([id]);
}

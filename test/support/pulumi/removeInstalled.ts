import { rm } from "node:fs/promises";

/** After the suites. */
export default async function removeInstalled(): Promise<void> {
  await rm(process.env.INSTALLED_FOR_TESTS ?? "", { recursive: true, force: true });
}

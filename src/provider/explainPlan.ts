import { versionsText } from "../backup/history";
import type { RestorePlan } from "../backup/restoration";

/** What the user is told of the plan, in a preview and in an update; undefined where there is nothing to tell. */
export function explainPlan(plan: RestorePlan): string | undefined {
  switch (plan.kind) {
    case "inPlace":
      return undefined;
    case "restore":
      return `the key will be restored again, because ${plan.because}`;
    case "recreate":
      return (
        `the key will be deleted, purged and restored again (onNewVersions: "recreate"), because it lacks ` +
        `${versionsText(plan.missing)} of the backup.`
      );
    case "amend":
      return `the key stays as it is, and its record is updated, because ${plan.because}.`;
    case "unknown":
      return `what is due, if anything, will be known during the update, as will ${plan.names.join(" and ")}.`;
    case "otherKey":
      return `replaced by the restore of another key, because ${plan.properties.join(" and ")} changed.`;
    default:
      return plan satisfies never;
  }
}

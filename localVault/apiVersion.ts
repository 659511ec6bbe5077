import { type Answer, badParameter } from "./serviceError";

// Microsoft's azure-rest-api-specs, data plane of Key Vault, stable and preview.
const supported =
  /^(2016-10-01|7\.[0-6]|7\.6-preview\.[12]|2025-06-01-preview|2025-07-01|2026-0(1|3|5|7)-01-preview|2026-04-01)$/;

/** The service has no default version. */
export function apiVersionRefusal(version: string | null): Answer | undefined {
  if (version === null || version === "") return badParameter("api-version must be specified");
  if (supported.test(version)) return undefined;
  return badParameter(
    `The specified version (${version}) is not recognized. Consider using the latest supported version (2025-07-01).`,
  );
}

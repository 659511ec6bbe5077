import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/**
 * A policy that gives a refusal without a body, as proxies and redirects send it, an empty JSON object: the Key Vault
 * client fails on nothing, and its error would hide the status.
 */
export const emptyRefusalPolicy: PipelinePolicy = {
  name: "emptyRefusalPolicy",
  async sendRequest(request, next) {
    const response = await next(request);
    if (response.status >= 300 && !response.bodyAsText) {
      response.bodyAsText = "{}";
      response.headers.set("content-type", "application/json");
    }
    return response;
  },
};

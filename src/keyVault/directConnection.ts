import { Agent } from "node:http";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";

/** A policy that sends plain http straight to its host: through a proxy, tokens and blobs would leave the machine in clear. */
export function directConnectionPolicy(): PipelinePolicy {
  const agent = new Agent({ keepAlive: true });
  return {
    name: "directConnectionPolicy",
    sendRequest(request, next) {
      if (request.url.startsWith("http:")) {
        request.agent = agent;
      }
      return next(request);
    },
  };
}

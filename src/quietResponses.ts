import { RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";

/**
 * Keeps the outputs of resources out of the SDK's debug messages. The SDK writes every answer of the engine into one,
 * whole and with secrets in clear, and `pulumi up --json` and `--debug` print them.
 */
export function quietResponses(): void {
  RegisterResourceResponse.prototype.toString = function (this: RegisterResourceResponse) {
    return `RegisterResourceResponse(${this.getUrn()})`;
  };
}

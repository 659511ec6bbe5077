import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { version } from "@pulumi/azure-native/package.json";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import {
  CheckResponse,
  ConfigureResponse,
  CreateResponse,
  DiffResponse,
  InvokeResponse,
  ReadResponse,
  UpdateResponse,
} from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { azureNativeStandIn } from "./azureNativeStandIn";
import { changedAt, changedInputs } from "./changedInputs";
import type { Properties, ResourceType } from "./resourceType";

const standIn = azureNativeStandIn(process.env);

function unary<Request, Response>(answer: (request: Request) => Response | Promise<Response>) {
  return async ({ request }: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    try {
      callback(null, await answer(request));
    } catch (error) {
      callback({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) });
    }
  };
}

function fromStruct(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

function toStruct(properties: Properties): Struct {
  // Struct refuses undefined members.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
}

function fromUrn(urn: string): { readonly type: ResourceType; readonly logicalName: string } {
  const [, , qualifiedType = "", ...name] = urn.split("::");
  return { type: standIn.resourceType(qualifiedType.split("$").at(-1) ?? ""), logicalName: name.join("::") };
}

// At preview of an update azure-native takes these, and no other computed output, from the state.
function stableOutputs({ name, location }: Properties): Properties {
  return { name, location };
}

// The server of @pulumi/pulumi/provider never sees previews, so that vault.properties.vaultUri would be undefined there.
const implementation: Pick<
  IResourceProviderServer,
  "getPluginInfo" | "configure" | "cancel" | "invoke" | "check" | "diff" | "create" | "read" | "update" | "delete"
> = {
  getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
  configure: unary(() => new ConfigureResponse().setSupportspreview(true)),
  cancel: unary(() => new Empty()),
  invoke: unary((request) => new InvokeResponse().setReturn(toStruct(standIn.invoke(request.getTok())))),
  check: unary((request) => {
    const { type, logicalName } = fromUrn(request.getUrn());
    const inputs = type.check(fromStruct(request.getNews()), fromStruct(request.getOlds()), logicalName);
    return new CheckResponse().setInputs(toStruct(inputs));
  }),
  diff: unary((request) => {
    const { type } = fromUrn(request.getUrn());
    const olds = fromStruct(request.getOldInputs());
    const news = fromStruct(request.getNews());
    const changed = changedInputs(olds, news);
    const { DIFF_SOME, DIFF_NONE } = DiffResponse.DiffChanges;
    return new DiffResponse()
      .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
      .setDiffsList(changed)
      .setReplacesList(changedAt(type.replaceOn, olds, news));
  }),
  create: unary(async (request) => {
    const { type } = fromUrn(request.getUrn());
    const inputs = fromStruct(request.getProperties());
    if (request.getPreview()) {
      return new CreateResponse().setProperties(toStruct(type.preview(inputs)));
    }
    const { id, outputs } = await type.create(inputs);
    return new CreateResponse().setId(id).setProperties(toStruct(outputs));
  }),
  read: unary(async (request) => {
    const id = request.getId();
    const outputs = await fromUrn(request.getUrn()).type.read(id, fromStruct(request.getProperties()));
    const response = new ReadResponse();
    // An empty id tells the engine that the resource is gone.
    return outputs ? response.setId(id).setProperties(toStruct(outputs)).setInputs(request.getInputs()) : response;
  }),
  update: unary(async (request) => {
    const { type } = fromUrn(request.getUrn());
    const inputs = fromStruct(request.getNews());
    const olds = fromStruct(request.getOlds());
    const outputs = request.getPreview()
      ? { ...type.preview(inputs), ...stableOutputs(olds) }
      : await type.update(request.getId(), inputs, olds);
    return new UpdateResponse().setProperties(toStruct(outputs));
  }),
  delete: unary(async (request) => {
    await fromUrn(request.getUrn()).type.delete(request.getId());
    return new Empty();
  }),
};

const server = new Server();
server.addService(ResourceProviderService, implementation);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
});

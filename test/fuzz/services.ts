/** Every RPC of every service, from the descriptors that the services themselves answer reflection with. */
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { FILE_DESCRIPTORS_BASE64 } from "../../packages/runtime/src/generated/descriptor-set.js";

const files = FILE_DESCRIPTORS_BASE64.map((file) => fromBinary(FileDescriptorProtoSchema, Buffer.from(file, "base64")));
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));

/** The service of this name in vmcslab.v1. */
export function serviceNamed(name: string): DescService {
  const service = registry.getService(`vmcslab.v1.${name}`);
  if (service === undefined) throw new Error(`no service ${name}`);
  return service;
}

export function messageNamed(name: string): DescMessage {
  const message = registry.getMessage(`vmcslab.v1.${name}`);
  if (message === undefined) throw new Error(`no message ${name}`);
  return message;
}

/** All of them. */
export function services(): DescService[] {
  return [...registry].flatMap((type) => (type.kind === "service" ? [type] : []));
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

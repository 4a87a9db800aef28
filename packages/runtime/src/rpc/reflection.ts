import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { service as healthService } from "grpc-health-check";
import { FILE_DESCRIPTORS_BASE64 } from "../generated/descriptor-set.js";

/**
 * Answers server reflection (v1 and v1alpha) for `services` and health. The descriptors are a generated module, so an installed tree needs no
 * .proto files.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  const files = FILE_DESCRIPTORS_BASE64.map((file) => Buffer.from(file, "base64"));
  const health = Object.values(healthService).flatMap((method) => method.requestType?.fileDescriptorProtos ?? []);
  // The service reads nothing of a package definition but its descriptors.
  const definition = {
    format: "Protocol Buffer 3 EnumDescriptorProto" as const,
    type: {},
    fileDescriptorProtos: [...files, ...health],
  };
  const names = [...services, "grpc.health.v1.Health"];
  new ReflectionService({ descriptors: definition }, { services: names }).addToServer(server);
}

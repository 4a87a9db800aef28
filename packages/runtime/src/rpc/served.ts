import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { tolerant } from "./malformed.js";

/** A service that a server answers. */
export interface ServedService {
  /** Full name, as health and reflection call it. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Pairs a generated definition with handlers for exactly its methods, which look at each request with `wellFormed` first. */
export function served<Definition extends ServiceDefinition, Methods extends Record<keyof Definition, unknown>>(
  name: string,
  definition: Definition,
  implementation: Methods & UntypedServiceImplementation,
): ServedService {
  return { name, definition: tolerant(definition), implementation };
}

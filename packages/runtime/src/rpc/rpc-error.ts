import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { OperationError } from "@vmcslab/nested";
import { InvalidMessage } from "../codec/invalid-message.js";

/** Trailing metadata of a failed RPC: L0's own code, and whether the failure is definite (`true` or `false`). */
export const CODE_KEY = "vmcslab-code";
export const DEFINITE_KEY = "vmcslab-definite";

type OperationCode = OperationError["code"];

const STATUS: Readonly<Record<OperationCode, status>> = {
  notFound: status.NOT_FOUND,
  invalidArgument: status.INVALID_ARGUMENT,
  failedPrecondition: status.FAILED_PRECONDITION,
  noMemory: status.RESOURCE_EXHAUSTED,
  cpuUnavailable: status.UNAVAILABLE,
  deadline: status.DEADLINE_EXCEEDED,
  vcpuKilled: status.ABORTED,
  hostCrashed: status.FAILED_PRECONDITION,
  stopping: status.UNAVAILABLE,
  unauthenticated: status.UNAUTHENTICATED,
  permissionDenied: status.PERMISSION_DENIED,
  unexpectedOutcome: status.INTERNAL,
};

/** What a handler answers instead of a response. */
export interface RpcFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

export function failureOf(error: OperationError): RpcFailure {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  metadata.set(DEFINITE_KEY, String(error.definite));
  return { code: STATUS[error.code], details: error.message, metadata };
}

/** Thrown by a handler; becomes its RPC's status. */
export class OperationRefused extends Error {
  override readonly name = "OperationRefused";
  constructor(readonly error: OperationError) {
    super(error.message);
  }
}

/** The failure for whatever a handler threw; undefined for what is a bug of ours. */
export function failureOfThrown(thrown: unknown): RpcFailure | undefined {
  if (thrown instanceof OperationRefused) return failureOf(thrown.error);
  if (thrown instanceof InvalidMessage) {
    return failureOf({ code: "invalidArgument", definite: true, message: thrown.message });
  }
  return undefined;
}

/**
 * L0's error as the client of an RPC sees it. A status without our metadata comes from the transport: the server may or may not have
 * acted, except that it certainly did not when it answered one of {@link NOT_EXECUTED}.
 */
export function operationErrorOf(error: ServiceError): OperationError {
  const named = error.metadata?.get(CODE_KEY)[0];
  const definite = error.metadata?.get(DEFINITE_KEY)[0];
  const code = isOperationCode(named) ? named : transportCode(error.code);
  return {
    code,
    definite: definite === undefined ? isNotExecuted(error.code) : definite === "true",
    message: error.details,
  };
}

function isOperationCode(value: unknown): value is OperationCode {
  return typeof value === "string" && Object.hasOwn(STATUS, value);
}

const NOT_EXECUTED: readonly status[] = [
  status.INVALID_ARGUMENT,
  status.UNIMPLEMENTED,
  status.NOT_FOUND,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
];

function transportCode(code: status): OperationCode {
  for (const name in STATUS) if (isOperationCode(name) && STATUS[name] === code) return name;
  return "unexpectedOutcome";
}

function isNotExecuted(code: status): boolean {
  return NOT_EXECUTED.includes(code);
}

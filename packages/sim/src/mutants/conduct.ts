import type { BatchResult, Operation, Wait } from "@vmcslab/nested";
import type { Begun, World } from "./world.js";

export type Input = readonly BatchResult[];

/** What becomes of one wait of an operation: waits for it, for something else, or not at all. What it returns is what the operation goes on with. */
export type Handle = (wait: Wait, begun: Begun) => Generator<Wait, Input, Input>;

/** Runs an operation of the core, with another idea of what its waits are. */
export function* conduct<T>(world: World, operation: Operation<T>, handle: Handle): Operation<T> {
  let step = operation.next([]);
  const begun = world.latest;
  while (step.done !== true)
    step = operation.next(begun === undefined ? yield step.value : yield* handle(step.value, begun));
  return step.value;
}

/** Waits as it should. */
export function* waitFor(wait: Wait): Generator<Wait, Input, Input> {
  return yield wait;
}

/** Calls back when an operation has all its locks: its vcpu's, then that of the CPU it works on. */
export function whenLocked(called: (begun: Begun) => void): Handle {
  return function* handle(wait, begun) {
    const input = yield wait;
    if (cpuLocked(wait) !== undefined) called(begun);
    return input;
  };
}

/** The CPU whose lock this waits for. */
export function cpuLocked(wait: Wait): number | undefined {
  const prefix = "cpu ";
  return wait.kind === "lock" && wait.key.startsWith(prefix) ? Number(wait.key.slice(prefix.length)) : undefined;
}

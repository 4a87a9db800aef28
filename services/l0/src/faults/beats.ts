import type { FaultSet } from "@vmcslab/faults";
import { type Clock, carry, type Fate, OperationRefused } from "@vmcslab/runtime";

export interface BeatFaults {
  readonly faults: Pick<FaultSet, "isActive" | "decide">;
  readonly isPartitioned: (cpu: number) => boolean;
  readonly clock: Clock;
}

/** Long after the CPU has given up on its beat: its call must not stay open for ever. */
const LOST_MS = 10_000;

/** A CPU's beat and the grant that answers it, with what faults do to both. A lost message is a call that nobody answers. */
export async function throughFaults<T>(cpu: number, beat: () => T, options: BeatFaults): Promise<T> {
  const { faults, isPartitioned, clock } = options;
  if (isPartitioned(cpu)) return await lost(clock);
  if (!faults.isActive) return beat();
  const arriving = carry(faults.decide({ from: `cpu${cpu}`, to: "l0", methods: ["beat"] }));
  // Where nobody knows whether it was carried, it arrives all the same, as a batch does.
  if (arriving.error?.definite === true) throw taken(true);
  await arrive(arriving, clock);
  let answer = beat();
  for (let copy = 1; copy < arriving.copies; copy++) answer = beat();
  if (arriving.error !== undefined) throw taken(false);
  if (arriving.losesReply) return await lost(clock);
  await arrive(carry(faults.decide({ from: "l0", to: `cpu${cpu}`, methods: ["grant"] })), clock);
  return isPartitioned(cpu) ? await lost(clock) : answer;
}

/** Each beat is a call of its own, so none waits behind another. */
async function arrive({ isLost, delayMs }: Fate, clock: Clock): Promise<void> {
  if (isLost) await lost(clock);
  if (delayMs > 0) await clock.sleep(delayMs);
}

function taken(definite: boolean): OperationRefused {
  return new OperationRefused({ code: "cpuUnavailable", definite, message: "a fault took the beat" });
}

async function lost(clock: Clock): Promise<never> {
  await clock.sleep(LOST_MS);
  throw new OperationRefused({ code: "deadline", definite: false, message: "a fault took the beat or its answer" });
}

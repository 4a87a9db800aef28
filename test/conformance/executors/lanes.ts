/** Several sequences at a time, each on CPUs of its own. */
import type { Replay, Sequence } from "../../../packages/lab/src/exec/index.js";
import { type RemoteCpu, replayOn } from "./remote-machine.js";

type CpuOf = (sequence: Sequence, lane: number, number: number) => Promise<RemoteCpu>;

/** Replays are in the order of the sequences. `cpuOf` is asked for the CPUs of each sequence. */
export async function replayInLanes(lanes: number, sequences: readonly Sequence[], cpuOf: CpuOf): Promise<Replay[]> {
  const replays: Replay[] = [];
  let next = 0;
  const runLane = async (lane: number): Promise<void> => {
    for (let index = next++; index < sequences.length; index = next++) {
      const sequence = sequences[index];
      if (sequence === undefined) return;
      const numbers = Array.from({ length: sequence.cpus }, (_, number) => number);
      const cpus = await Promise.all(numbers.map((number) => cpuOf(sequence, lane, number)));
      replays[index] = await replayOn(sequence, cpus);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)));
  return replays;
}

/** Runs recorded sequences on processors in this process. */
import { Field, type HazardRule } from "@vmcslab/vmx";
import type { Line, Names } from "../arguments.js";
import { Machine } from "../machine.js";
import type { ExecResult } from "../result.js";
import { REGIONS, recordedNames } from "./recorded-machine.js";
import {
  type Demand,
  operationScript,
  type Reached,
  type RecordedResult,
  type Replay,
  replayScript,
  type Script,
} from "./script.js";
import type { Sequence } from "./sequence.js";

export function replay(sequence: Sequence): Replay {
  return new RecordedMachine(sequence).drive(replayScript(sequence));
}

/** A machine with the regions of the recordings, whose guests execute their one instruction as soon as they are entered. */
export class RecordedMachine {
  /** The rule that the last operation broke, if any. */
  hazard: HazardRule | undefined = undefined;
  readonly #machine: Machine;
  readonly #names: Names;

  constructor({ cpus, model, featureControl }: Pick<Sequence, "cpus" | "model" | "featureControl">) {
    this.#machine = new Machine({ cpus, model, featureControl });
    for (const region of REGIONS.values()) this.#machine.memory.write32(region, model.revision);
    this.#names = recordedNames(model.revision);
  }

  run(operation: Line): RecordedResult {
    this.hazard = undefined;
    return this.drive(operationScript(operation, this.#machine.processors.length, this.#names));
  }

  drive<T>(script: Script<T>): T {
    let step = script.next();
    while (step.done !== true) step = script.next(this.#perform(step.value));
    return step.value;
  }

  #perform(demand: Demand): Reached {
    const machine = this.#machine;
    const processor = machine.processor(demand.cpu);
    const results: ExecResult[] = [];
    if (demand.kind === "store") results.push(this.#note(machine.store(demand.address, demand.value)));
    else
      for (const instruction of demand.instructions) results.push(this.#note(machine.execute(demand.cpu, instruction)));
    const { inVmxOperation: vmx, currentVmcs: current } = processor;
    const entered = results.at(-1)?.status === "vmentry";
    const guestRip = entered ? processor.fieldsOf(current)?.read(Field.GUEST_RIP) : undefined;
    return { results, vmx, current, guestRip, hazard: this.hazard };
  }

  #note({ result, hazard }: { readonly result: ExecResult; readonly hazard?: HazardRule }): ExecResult {
    this.hazard = hazard ?? this.hazard;
    return result;
  }
}

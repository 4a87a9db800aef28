import type { Answer, Hypervisor, L1Instruction, Operation, OperationError } from "@vmcslab/nested";
import { VMCS12_REVISION } from "@vmcslab/nested";
import { Field } from "@vmcslab/vmx";
import type { SimHost } from "../host/sim-host.js";
import { storeVmcs12, VMXON_REGION, vmcs12Address } from "./guest-image.js";
import type { PlannedOperation } from "./plan.js";

/** Told of each operation that is asked for, has nothing to work on, or ends. */
export type OnOperation = (
  happened: "asked" | "skipped" | "ended",
  operation: PlannedOperation,
  error: OperationError | undefined,
) => void;

/** The clients of a simulated host: ask for each operation of a plan when it is due, and know which vcpus came of it. */
export class PlanClient {
  readonly #host: SimHost;
  readonly #onOperation: OnOperation;
  /** What `create` made of each slot of the plan. */
  readonly #vcpus = new Map<number, number>();
  /** Every exit leaves another RIP, so that an old state is never taken for a new one. */
  #exits = 0;
  #entries = 0;
  #builds = 0;
  /** Operations that were asked for; the others had no vcpu to work on. */
  asked = 0;

  constructor(host: SimHost, onOperation: OnOperation) {
    this.#host = host;
    this.#onOperation = onOperation;
  }

  /** vcpus whose creation was acknowledged, and that nobody asked to destroy. */
  get acknowledgedVcpus(): readonly number[] {
    return [...this.#vcpus.values()];
  }

  schedule(operations: readonly PlannedOperation[]): void {
    for (const operation of operations) this.#host.scheduler.at(operation.atNs, () => this.#ask(operation));
  }

  #ask(operation: PlannedOperation): void {
    if (operation.kind === "create") {
      this.#start(
        operation,
        (hypervisor) => hypervisor.createVcpu({ cpu: operation.cpu, poolSize: operation.poolSize }),
        (vcpu) => this.#vcpus.set(operation.vcpu, vcpu),
      );
      return;
    }
    if (operation.kind === "offline" || operation.kind === "online") {
      const { kind, cpu } = operation;
      this.#start(
        operation,
        (hypervisor): Operation<unknown> =>
          kind === "offline" ? hypervisor.offlineCpu(cpu) : hypervisor.onlineCpu(cpu),
      );
      return;
    }
    if (operation.kind === "crashClearAll") {
      this.#start(operation, (hypervisor): Operation<unknown> => hypervisor.crashClearAll());
      return;
    }
    const vcpu = this.#vcpus.get(operation.vcpu);
    if (vcpu === undefined) {
      this.#onOperation("skipped", operation, undefined);
      return;
    }
    if (operation.kind === "destroy") this.#vcpus.delete(operation.vcpu);
    this.#start(operation, (hypervisor) => this.#onVcpu(hypervisor, vcpu, operation));
  }

  #onVcpu(
    hypervisor: Hypervisor,
    vcpu: number,
    operation: Exclude<PlannedOperation, { kind: "create" | "offline" | "online" | "crashClearAll" }>,
  ): Operation<unknown> {
    switch (operation.kind) {
      case "build": {
        const memory = hypervisor.state.vcpus.get(vcpu)?.vm.memory;
        if (memory !== undefined) storeVmcs12(memory, operation.guest, ++this.#builds);
        return hypervisor.runL1(vcpu, buildInstructions(operation.guest));
      }
      case "enter":
        return hypervisor.runL1(vcpu, enterInstructions(operation.guest, ++this.#entries));
      case "exit":
        return hypervisor.guestExit({
          vcpu,
          reason: operation.reason,
          qualification: 0n,
          guest: [[Field.GUEST_RIP, 0x20_0000n + BigInt(++this.#exits)]],
        });
      case "vmclear":
        return hypervisor.runL1(vcpu, [{ op: "vmclear", addr: BigInt(vmcs12Address(operation.guest)) }]);
      case "vmxoff":
        return hypervisor.runL1(vcpu, [{ op: "vmxoff" }]);
      case "place":
        return hypervisor.placeVcpu(vcpu, operation.cpu);
      case "destroy":
        return hypervisor.destroyVcpu(vcpu);
    }
  }

  #start<T>(
    operation: PlannedOperation,
    begin: (hypervisor: Hypervisor) => Operation<T>,
    onValue?: (value: T) => void,
  ): void {
    this.asked++;
    this.#onOperation("asked", operation, undefined);
    this.#host.start(begin, (answer: Answer<T>) => {
      if (answer.ok) onValue?.(answer.value);
      this.#onOperation("ended", operation, answer.ok ? undefined : answer.error);
    });
  }
}

const GDTS = 0x100_0000n;

function buildInstructions(guest: number): L1Instruction[] {
  return [
    { op: "write32", addr: BigInt(VMXON_REGION), value: VMCS12_REVISION },
    // Error 15 when it is on already, which changes nothing.
    { op: "vmxon", addr: BigInt(VMXON_REGION) },
    { op: "vmclear", addr: BigInt(vmcs12Address(guest)) },
  ];
}

/** `entry`: which of all it is. L1 moves the guest's GDT before each, so that what it wrote last can be told from what it wrote before. */
function enterInstructions(guest: number, entry: number): L1Instruction[] {
  const gdtr: L1Instruction = {
    op: "vmwrite",
    field: BigInt(Field.GUEST_GDTR_BASE),
    value: GDTS + BigInt(entry) * 0x1000n,
  };
  // Error 4 says that it is launched, and VMRESUME does it; after an entry nothing more is executed.
  return [{ op: "vmptrld", addr: BigInt(vmcs12Address(guest)) }, gdtr, { op: "vmlaunch" }, { op: "vmresume" }];
}

import type { Hypervisor, JournalRecord } from "@vmcslab/nested";
import type { JournalWatch } from "../host/journal.js";

interface Seen {
  readonly vcpu: number;
  /** Undefined: the vcpu was destroyed. */
  readonly state: string | undefined;
}

/**
 * A restarted L0 knows of each vcpu what the last one knew when it recorded it last. That is compared in full: nested state, the vmcs12 it caches, what it knows of each VMCS, and L1's memory.
 * Where VMCSs are active is not part of it: the CPUs say that.
 */
export class RecordedStates implements JournalWatch {
  readonly #report: (message: string) => void;
  /** By vcpu, as of the last crash. */
  readonly #kept = new Map<number, string | undefined>();
  #since: (readonly Seen[])[] = [];

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  appended(hypervisor: Hypervisor, { vcpus, destroyed }: JournalRecord): void {
    this.#since.push([
      ...vcpus.map(({ id }) => ({ vcpu: id, state: describe(hypervisor, id) })),
      ...destroyed.map((vcpu) => ({ vcpu, state: undefined })),
    ]);
  }

  crashed(kept: number): void {
    for (const seen of this.#since.slice(0, kept)) for (const { vcpu, state } of seen) this.#kept.set(vcpu, state);
    this.#since = [];
  }

  restored(hypervisor: Hypervisor): void {
    for (const [vcpu, state] of this.#kept) {
      const restored = describe(hypervisor, vcpu);
      if (restored !== state) this.#report(`vcpu ${vcpu} was recorded as ${state}, and comes back as ${restored}`);
    }
    for (const { vcpu } of hypervisor.listVcpus())
      if (!this.#kept.has(vcpu)) this.#report(`vcpu ${vcpu} comes back and was never recorded`);
  }
}

function describe({ state }: Hypervisor, id: number): string | undefined {
  const vcpu = state.vcpus.get(id);
  if (vcpu === undefined) return undefined;
  const { cpu, poolSize, vmxon, vmxonPointer, currentVmptr, guestMode, vmcs12, vmcs01, loaded, pool, vm } = vcpu;
  const { spareVmcs02 } = vcpu;
  const memory = [...vm.memory.pages()].map(([number, page]) => [number, page.launchInitialised, sum(page.words)]);
  return JSON.stringify({
    vm: vm.id,
    ...{ cpu, poolSize, vmxon, vmxonPointer, currentVmptr, guestMode },
    vmcs12: [vmcs12.launched, vmcs12.fields.digest()],
    loaded: loaded.id,
    ...(spareVmcs02 === undefined ? {} : { spareVmcs02: spareVmcs02.id }),
    vmcs01: [vmcs01.id, vmcs01.known.digest()],
    pool: pool.map(({ vmptr, vmcs }) => [vmptr, vmcs.id, vmcs.known.digest()]),
    memory: memory.filter(([, , words]) => words !== 0).sort(([a], [b]) => Number(a) - Number(b)),
  });
}

function sum(words: Uint32Array): number {
  let hash = 0;
  for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + (words[i] ?? 0)) | 0;
  return hash;
}

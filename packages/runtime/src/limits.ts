/** How much a service takes at once. Beyond it a request is refused as a whole, and nothing has changed. docs/protocol.md has the same table. */
export interface Limit {
  readonly max: number;
  /** Of what it is the most. */
  readonly of: string;
  /** Where it is asked. */
  readonly where: string;
}

const limit = (max: number, of: string, where: string): Limit => ({ max, of, where });

export const LIMITS = {
  messageBytes: limit(4 * 1024 * 1024, "bytes of a request", "every RPC; the transport answers RESOURCE_EXHAUSTED"),
  completionBytes: limit(32 * 1024 * 1024, "bytes of a completion", "the interconnect, towards L0"),
  cpu: limit(63, "number of a CPU", "RegisterCpu, faults, events"),
  addressCharacters: limit(300, "characters of an address", "RegisterCpu"),
  poolSize: limit(1024, "vmcs02s in a pool", "CreateVcpu"),
  l1Instructions: limit(4096, "instructions", "RunL1"),
  guestFields: limit(1024, "fields that a guest changed", "GuestExit"),
  steps: limit(4096, "steps of a program", "CpuService.Execute"),
  dwords: limit(1024, "dwords", "ReadMemory, WriteMemory"),
  memoryPages: limit(
    65_536,
    "4-KiB pages that people write to",
    "CpuService; RESOURCE_EXHAUSTED until Reset with clear_memory",
  ),
  batchesPerFrame: limit(16, "batches of a frame", "the interconnect"),
  batchInstructions: limit(16_384, "instructions of a batch", "the interconnect"),
  fieldValues: limit(4096, "field values of one instruction", "the interconnect"),
  earlyBatches: limit(4096, "numbers that a batch may be ahead of the last one executed", "the interconnect"),
  unacknowledged: limit(1_000_000, "results and field values that are not acknowledged", "the interconnect"),
  events: limit(4096, "events of a batch", "Publish"),
  eventCharacters: limit(256, "characters of a text in an event", "Publish"),
  poolOrder: limit(4096, "addresses in the order of a pool", "Publish"),
  lives: limit(65_536, "lives of sources", "trace; RESOURCE_EXHAUSTED"),
  faults: limit(256, "faults held", "each service"),
  endedFaults: limit(256, "faults that have ended and are remembered", "each service"),
  faultNames: limit(1024, "names", "ClearFaults"),
  faultSeconds: limit(24 * 3600, "seconds of a lease, a start, a delay, a jump of a clock", "InjectFault"),
  samples: limit(10_000, "samples of an empirical delay", "InjectFault"),
  copies: limit(1000, "copies of a duplicate", "InjectFault"),
} as const satisfies Readonly<Record<string, Limit>>;

/** Characters of what a user sent that are shown to them again. */
const SHOWN_MAX = 80;

/** Text of a user's as a message quotes it: short, and on one line. */
export function shown(text: string, max = SHOWN_MAX): string {
  const clean = text.slice(0, max).replace(/\p{C}/gu, "?");
  return text.length > max ? `${clean}…` : clean;
}

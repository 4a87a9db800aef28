import type { Fault, FaultVictims } from "@vmcslab/faults";
import type { EventFact } from "@vmcslab/history";
import {
  type Clock,
  type EventSink,
  FaultHub,
  type HeldFault,
  killSelf,
  killSelfSoon,
  type SkewedClock,
  stallSelf,
  whyNotKilled,
  whyNotStalled,
} from "@vmcslab/runtime";
import type { Board } from "./board.js";

export interface CpuFaultsOptions {
  readonly cpu: number;
  readonly board: Board;
  /** The clock that a fault may make wrong. */
  readonly skewed: SkewedClock;
  /** True time: leases of faults end by it. */
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly emit: (fact: EventFact) => void;
}

/** What can be done to this CPU's process by itself: it stands still, dies, loses its bus, or has a wrong clock. L0 injects the rest. */
export function cpuFaults(options: CpuFaultsOptions): FaultHub {
  const { cpu, clock, emit } = options;
  return new FaultHub({
    where: `cpu${cpu}`,
    clock,
    refusal: (fault) => refusal(fault, cpu),
    victims: (held) => victims(options, held),
    emit,
  });
}

function refusal({ action, on }: Fault, cpu: number): string | undefined {
  switch (action.kind) {
    case "stall":
    case "crash":
      if (action.cpu !== cpu) return `this is CPU ${cpu}: inject it at L0, which knows CPU ${action.cpu}`;
      if (on !== undefined) return `${action.kind} begins at a time here, or at events of L0: inject it at L0`;
      return action.kind === "stall" ? whyNotStalled() : whyNotKilled();
    case "clockSkew":
      return action.clock === cpu ? undefined : `this is CPU ${cpu}: inject it at L0, which knows whose clock that is`;
    case "stopBus":
      return undefined;
    default:
      return `${action.kind} is injected at L0, which is one end of every message and decides what CPUs do`;
  }
}

function victims({ board, skewed, clock, sink }: CpuFaultsOptions, held: HeldFault): FaultVictims {
  return {
    ...NOT_HERE,
    stall: (_cpu, forNs = 0) => {
      stallSelf(forNs, clock, (reason) => held.note(reason));
      return () => undefined;
    },
    crash: (_cpu, when) => {
      if (when === "now") {
        killSelfSoon(clock);
        return () => undefined;
      }
      const crash = { when, die: killSelf };
      board.crashAtFlush = crash;
      return () => {
        if (board.crashAtFlush === crash) board.crashAtFlush = undefined;
      };
    },
    stopBus: () => {
      sink.hold();
      return () => sink.release();
    },
    skew: (_clock, ppm, offsetNs) => {
      skewed.skew(ppm, offsetNs);
      return () => skewed.skew(0, 0);
    },
  };
}

function refused(): never {
  throw new Error("a fault was not refused that cannot be injected here");
}

const NOT_HERE: FaultVictims = {
  stall: refused,
  partition: refused,
  crash: refused,
  crashL0: refused,
  stopBus: refused,
  skew: refused,
  refuseAllocation: refused,
  offline: refused,
  online: refused,
};

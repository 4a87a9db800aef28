/** The processes of a host, for faults that are done to processes from outside: `l0`, `cpu0`, `cpu1`, … What fails rejects, with a sentence for whoever reads the run's notes. */
export interface HostProcesses {
  /** Ends it as by SIGKILL, and sees to it that nobody starts it again before {@link restart}, or before so long, should this process be gone by then. */
  kill(name: string, forNs: number): Promise<void>;
  /** Starts one that is dead, where it was. Does nothing for one that runs. */
  restart(name: string): Promise<void>;
  /** It stands still, at most so long: also when this process is gone by then. Returns what ends it early. */
  stall(name: string, forNs: number): () => Promise<void>;
  /** From now on a death of this process is no accident: it is told, once, and nobody but {@link restart} starts it again. */
  expectDeath(name: string, forNs: number, died: () => void): DeathExpectation;
  /** No packet between this CPU and L0 arrives, at most so long. Returns what ends it early. Absent: the network cannot be cut from here, and L0 loses the messages itself. */
  readonly cut?: ((name: string, forNs: number) => () => Promise<void>) | undefined;
}

export interface DeathExpectation {
  /** The process may be told to kill itself: its death will not be missed. */
  readonly ready: Promise<void>;
  end(): Promise<void>;
}

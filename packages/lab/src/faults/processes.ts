/** The processes of a host, for faults that are done to processes from outside: `l0`, `cpu0`, `cpu1`, … */
export interface HostProcesses {
  /** Ends it as by SIGKILL, and sees to it that nobody starts it again before {@link restart}. */
  kill(name: string): Promise<void>;
  /** Starts one that is dead, where it was. Does nothing for one that runs. */
  restart(name: string): Promise<void>;
  /** It stands still, at most so long: also when this process is gone by then. Returns what ends it early. */
  stall(name: string, forNs: number): () => void;
  /** From now on a death of this process is no accident: it is told, once. Returns what ends the expectation. */
  expectDeath(name: string, died: () => void): () => void;
}

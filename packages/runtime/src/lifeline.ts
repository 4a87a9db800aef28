/**
 * Ties a child process to its parent, so that killing the parent, with SIGKILL too, leaves nothing behind: when a process dies the kernel closes its ends of
 * the child's IPC channel and stdin pipe. A child with an IPC channel watches that; any other watches its stdin, which the parent must have made a pipe.
 */

export interface Lifeline {
  /** Lets go of the parent without calling back. */
  release(): void;
}

/** Calls `onParentGone` once, when the parent is gone or has closed the channel. */
export function lifeline(onParentGone: () => void): Lifeline {
  return process.channel === undefined ? stdinLifeline(onParentGone) : channelLifeline(onParentGone);
}

function channelLifeline(onParentGone: () => void): Lifeline {
  process.once("disconnect", onParentGone);
  return { release: () => process.off("disconnect", onParentGone) };
}

function stdinLifeline(onParentGone: () => void): Lifeline {
  const { stdin } = process;
  const release = (): void => {
    stdin.off("end", gone).off("close", gone).off("error", gone);
    stdin.pause();
  };
  const gone = (): void => {
    release();
    onParentGone();
  };
  stdin.once("end", gone).once("close", gone).once("error", gone);
  // Reading is what notices the end; what arrives is of no interest.
  stdin.resume();
  return { release };
}

/** Progress on stderr: a line that is overwritten on a terminal, else a line every five seconds. */
import { hasLiveLine } from "./terminal.js";

const LIVE_INTERVAL_MS = 200;
const LINE_INTERVAL_MS = 5_000;

export interface Progress {
  stop(): void;
}

/** Shows what `describe` says until it is stopped. */
export function startProgress(describe: () => string, quiet: boolean, env: NodeJS.ProcessEnv): Progress {
  if (quiet) return { stop: () => {} };
  const live = hasLiveLine(process.stderr, env);
  const timer = setInterval(() => write(describe(), live), live ? LIVE_INTERVAL_MS : LINE_INTERVAL_MS);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      if (live) process.stderr.write("\r\u001b[K");
    },
  };
}

function write(text: string, live: boolean): void {
  process.stderr.write(live ? `\r\u001b[K${text}` : `${text}\n`);
}

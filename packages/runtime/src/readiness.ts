import type { Clock, Timer } from "./clock.js";
import type { RunningServer } from "./rpc/serve.js";

const CHECK_INTERVAL_MS = 100;

export interface Readiness {
  /** Looks now instead of at the next interval. */
  check(): void;
  stop(): void;
}

/** Keeps what health answers equal to whether the service can do its work. */
export function watchReadiness(clock: Clock, server: RunningServer, isReady: () => boolean): Readiness {
  let serving = false;
  let timer: Timer | undefined;
  const check = (): void => {
    const ready = isReady();
    if (ready !== serving) server.setServing(ready);
    serving = ready;
  };
  const tick = (): void => {
    check();
    timer = clock.after(CHECK_INTERVAL_MS, tick);
  };
  tick();
  return {
    check,
    stop() {
      timer?.cancel();
    },
  };
}

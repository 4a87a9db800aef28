/** SIGINT and SIGTERM: the first ends what runs in order, the second at once. */

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof EXIT_CODES;

/** Runs a task that is told by `signal` to end early. Answers its exit code, or that of the signal. */
export async function interruptible(task: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let received: EndSignal | undefined;
  const take = (name: EndSignal) => {
    // Child processes notice that we are gone, and end by themselves.
    if (received !== undefined) process.exit(EXIT_CODES[name]);
    received = name;
    process.stderr.write(`vmcslab: ${name}: ending in order; once more ends at once\n`);
    controller.abort(name);
  };
  const onInterrupt = () => take("SIGINT");
  const onTerminate = () => take("SIGTERM");
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onTerminate);
  try {
    const exitCode = await task(controller.signal);
    return received === undefined ? exitCode : EXIT_CODES[received];
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onTerminate);
  }
}

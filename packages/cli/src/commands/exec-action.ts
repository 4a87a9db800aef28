import { open } from "node:fs/promises";
import { UsageError, unreadable } from "@vmcslab/lab/errors";
import { runExec, runTraces } from "@vmcslab/lab/exec";

export interface ExecFlags {
  readonly traces?: string;
  readonly strict?: true;
  readonly json?: true;
}

/** Runs a program, or replays recorded sequences, and says as an exit code how it ended. */
export async function execCommand(file: string, flags: ExecFlags): Promise<number> {
  const streams = { output: process.stdout, errors: process.stderr };
  if (flags.traces !== undefined) {
    const input = await openInput(flags.traces);
    return await runTraces({ input, file: flags.traces, json: flags.json === true, ...streams });
  }
  return await runExec({ input: await openInput(file), strict: flags.strict === true, ...streams });
}

async function openInput(file: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === "-") return process.stdin;
  const handle = await open(file).catch((thrown: unknown) => {
    throw unreadable(file, thrown);
  });
  // A folder can be opened; only reading it fails.
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new UsageError(`${file}: this is a folder; give a file`);
  }
  return handle.createReadStream();
}

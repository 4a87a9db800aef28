import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { errorCode } from "./error-code.js";
import { JournalLost } from "./port.js";

const ATTEMPTS = 3;

/** Takes a lock file for this process, from one that is gone too. Returns what releases it. Throws {@link JournalLost} while another process has it. */
export function takeLock(path: string): () => void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (createLock(path)) return () => removeIfThere(path);
    const holder = readHolder(path);
    if (holder !== undefined && isAlive(holder))
      throw new JournalLost(`process ${holder.pid} writes this journal (${path}); two L0s cannot share one`);
    removeStale(path);
  }
  throw new JournalLost(`${path} cannot be taken: somebody else takes it again and again`);
}

/** Nobody else's: while we live, nobody takes it. */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (errorCode(thrown) !== "ENOENT") throw thrown;
  }
}

/** False: there is one. It appears with its contents, so that nobody finds it empty and takes it for one that was left. */
function createLock(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, describeSelf(), { mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) !== "EEXIST") throw thrown;
    return false;
  } finally {
    unlinkSync(own);
  }
}

interface Holder {
  readonly pid: number;
  /** When it started, in ticks since the machine did; tells it from a later process with its number. Undefined where the system does not say. */
  readonly started: string | undefined;
}

function describeSelf(): string {
  return `${process.pid} ${startOf(process.pid) ?? ""}\n`;
}

/** Undefined: whoever took it did not live to write into it. */
function readHolder(path: string): Holder | undefined {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) !== "ENOENT") throw thrown;
  }
  const [pid, started] = text.trim().split(" ");
  if (pid === undefined || !/^\d+$/.test(pid)) return undefined;
  return { pid: Number(pid), started };
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return errorCode(thrown) === "EPERM";
  }
  const now = startOf(pid);
  return started === undefined || now === undefined || now === started;
}

/** Another process may have removed it and taken the lock since we looked: what was moved away is looked at again, and put back when somebody lives who wrote it. */
function removeStale(path: string): void {
  const stale = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, stale);
  } catch (thrown) {
    if (errorCode(thrown) !== "ENOENT") throw thrown;
    return;
  }
  const holder = readHolder(stale);
  if (holder !== undefined && isAlive(holder)) renameSync(stale, path);
  else unlinkSync(stale);
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is no such file. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name, in parentheses, and may contain anything.
    return stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .at(19);
  } catch {
    return undefined;
  }
}

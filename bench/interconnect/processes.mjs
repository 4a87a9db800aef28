/** The processes of the bench. All end with us. */
import { execFileSync, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../packages/cli/bin/vmcslab.js", import.meta.url));
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const children = [];
/** Those who call, and those who answer. */
const callers = [];
const answerers = [];

function start(file, side, args = []) {
  const env = { ...process.env, NATS_URL: "", VMCSLAB_LOG_LEVEL: "error" };
  const child = fork(file, args, { env, execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  children.push(child);
  side.push(child);
  return child;
}

const firstMessage = (child) => new Promise((resolve) => child.once("message", resolve));

/** `vmcslab cpu`, `vmcslab trace`. Its address. */
export async function startService(...args) {
  return (await firstMessage(start(BIN, answerers, args))).ready;
}

export async function startEcho() {
  return await firstMessage(start(path("echo-server.mjs"), answerers));
}

/** A client process: call(name, args) answers what its action answers. */
export function startClient(name) {
  const child = start(path(name), callers);
  let last = 0;
  const waiting = new Map();
  child.on("message", ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(`${name}: ${error}`));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended`));
  });
  return (action, args = {}) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      child.send({ id, name: action, args });
    });
}

/** CPUs that we may run on. Empty where nobody can say. */
function allowedCpus() {
  try {
    const [, list] = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/self/status", "utf8"));
    return list.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  } catch {
    return [];
  }
}

function bind(processes, cpus) {
  for (const { pid } of processes)
    execFileSync("taskset", ["-a", "-c", "-p", cpus.join(","), `${pid}`], { stdio: "ignore" });
}

/**
 * Those who call go to one CPU, and those who answer to another. Left to itself the kernel puts two processes that wait for each other on one CPU or on two, as it comes, and a message to
 * another CPU takes two to three times as long: what is compared must go the same way. Says whether it could be done: Linux, taskset, two CPUs.
 */
export function separate() {
  const [first, second] = allowedCpus();
  if (second === undefined) return false;
  try {
    bind(callers, [first]);
    bind(answerers, [second]);
    return true;
  } catch {
    return false;
  }
}

/** Ends {@link separate}. */
export function reunite() {
  bind(children, allowedCpus());
}

/** They end by themselves when nobody listens to them any more. */
export function stopAll() {
  for (const child of children.splice(0)) child.disconnect();
}

/** The processes of the bench. All end with us. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../packages/cli/bin/vmcslab.js", import.meta.url));
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const children = [];

function start(file, args = []) {
  const env = { ...process.env, NATS_URL: "", VMCSLAB_LOG_LEVEL: "error" };
  const child = fork(file, args, { env, execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  children.push(child);
  return child;
}

const firstMessage = (child) => new Promise((resolve) => child.once("message", resolve));

/** `vmcslab cpu`, `vmcslab trace`. Its address. */
export async function startService(...args) {
  return (await firstMessage(start(BIN, args))).ready;
}

export async function startEcho() {
  return await firstMessage(start(path("echo-server.mjs")));
}

/** A client process: call(name, args) answers what its action answers. */
export function startClient(name) {
  const child = start(path(name));
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

/** They end by themselves when nobody listens to them any more. */
export function stopAll() {
  for (const child of children.splice(0)) child.disconnect();
}

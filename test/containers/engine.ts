/** What the container tests need of the machine: an engine, the base images, and our own image, built once. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD_TIMEOUT_MS = 300_000;
const PULL_TIMEOUT_MS = 120_000;

/** Why container tests cannot run here; empty when they can. Goes into their names. */
export const missing = skipReason();

/** Builds the image unless nothing changed. Throws what the builder said when it fails. */
export function buildImage(): void {
  const built = docker(["compose", "build", "--quiet", "l0"], BUILD_TIMEOUT_MS);
  if (built.status !== 0) throw new Error(`the image cannot be built:\n${built.stderr}`);
}

export function docker(args: readonly string[], timeout = 60_000) {
  return spawnSync("docker", args, { cwd: ROOT, encoding: "utf8", timeout });
}

function skipReason(): string {
  const engine = docker(["version", "--format", "{{.Server.Version}}"], 10_000);
  if (engine.status !== 0) return " (skipped: no Docker engine answers)";
  if (docker(["compose", "version"], 10_000).status !== 0) return " (skipped: no docker compose)";
  const absent = [pinnedImage("NODE_IMAGE"), pinnedImage("NATS_IMAGE")].filter((image) => !isThere(image));
  return absent.length === 0 ? "" : ` (skipped: no image ${absent.join(", ")})`;
}

/** As .env pins it. */
export function pinnedImage(variable: string): string {
  const [, image] = new RegExp(`^${variable}=(\\S+)$`, "m").exec(readFileSync(`${ROOT}.env`, "utf8")) ?? [];
  if (image === undefined) throw new Error(`.env does not pin ${variable}`);
  return image;
}

/** The engine has it, or gets it. */
export function isThere(image: string): boolean {
  if (docker(["image", "inspect", image]).status === 0) return true;
  return docker(["pull", "--quiet", image], PULL_TIMEOUT_MS).status === 0;
}

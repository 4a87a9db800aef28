// Compares proto/ with its last committed state and fails on changes that break the wire contract. Says why when there is nothing to compare with.
import { spawnSync } from "node:child_process";

/** Where to look for the contract to keep: the branch as published, else as committed. VMCSLAB_PROTO_BASE overrides. */
const CANDIDATES = [process.env.VMCSLAB_PROTO_BASE, "origin/main", "main", "HEAD"];

function git(...args) {
  return spawnSync("git", args, { encoding: "utf8" });
}

function commitOf(name) {
  const found = git("rev-parse", "--verify", "--quiet", `${name}^{commit}`);
  return found.status === 0 ? { name, commit: found.stdout.trim() } : undefined;
}

function baseCommit() {
  const named = CANDIDATES.filter((name) => name !== undefined && name !== "").map(commitOf);
  const base = named.find((found) => found !== undefined);
  const head = commitOf("HEAD");
  const isClean = git("status", "--porcelain", "--", "proto").stdout.trim() === "";
  // A clean checkout of the branch itself, as CI has it, would be compared with itself: its parent is what it changed.
  return base !== undefined && base.commit === head?.commit && isClean ? commitOf("HEAD^") : base;
}

const base = baseCommit();
if (base === undefined) {
  console.log("proto-breaking: no commit to compare with, nothing can be broken yet");
} else if (git("ls-tree", "-d", base.commit, "proto").stdout.trim() === "") {
  console.log(`proto-breaking: ${base.name} has no proto/, nothing can be broken yet`);
} else {
  const against = `.git#ref=${base.commit}`;
  const { status } = spawnSync("buf", ["breaking", "--against", against], { stdio: "inherit", shell: false });
  if (status === 0) console.log(`proto-breaking: compatible with ${base.name} (${base.commit.slice(0, 12)})`);
  process.exitCode = status ?? 1;
}

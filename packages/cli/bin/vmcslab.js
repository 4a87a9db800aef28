#!/usr/bin/env node
// Checked in, so that npm can link it before anything is built.
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);

if (existsSync(main)) {
  const { main: run } = await import(main.href);
  await run(process.argv);
} else {
  process.stderr.write("vmcslab is not built yet: run `npm run build` in its folder first\n");
  process.exitCode = 69;
}

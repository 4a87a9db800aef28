/** Debian's chromium, through playwright-core: it brings no browser of its own. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export const CHROMIUM = CANDIDATES.find((path) => existsSync(path));

/** For names of tests that need it. */
export const WITHOUT_CHROMIUM = CHROMIUM === undefined ? " (skipped: needs chromium, apt-get install chromium)" : "";

/** It asks nobody for updates or anything else. */
export async function startChromium(): Promise<Browser> {
  return await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

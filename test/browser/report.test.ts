import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vmcslab } from "../integration/cli-process.js";
import { CHROMIUM, startChromium, WITHOUT_CHROMIUM } from "./chromium.js";

const EXPERIMENT = `name: seen
seed: 7
machine: { cpus: 3, vcpus: 3 }
workload: { roundRobin: { entries: 60, migrations: every 3 entries } }
matrix: { machine.poolSize: [1, 4], workload.roundRobin.l2Guests: [1, 3] }
repetitions: 5
`;

describe.skipIf(CHROMIUM === undefined)(`report.html in a browser without a network${WITHOUT_CHROMIUM}`, () => {
  let folder = "";
  let browser: Browser | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vmcslab-browser-"));
    writeFileSync(join(folder, "seen.yaml"), EXPERIMENT);
    const run = ["run", join(folder, "seen.yaml"), "--simulate", "-q", "--runs-dir"];
    const study = await vmcslab([...run, join(folder, "study")]);
    const single = ["--set", "matrix={}", "--set", "repetitions=1"];
    const alone = await vmcslab([...run, join(folder, "run"), ...single]);
    expect([study.exitCode, alone.exitCode]).toEqual([0, 0]);
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page, and notes what it complains of and what it asks for. */
  async function open(kind: "study" | "run", colorScheme: "light" | "dark"): Promise<{ page: Page; wrong: string[] }> {
    if (browser === undefined) throw new Error("there is no browser");
    const context = await browser.newContext({ colorScheme, offline: true, viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("console", (message) => wrong.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) wrong.push(`asks for ${request.url()}`);
    });
    await page.goto(pathToFileURL(join(folder, kind, "seen", "latest", "report.html")).href);
    return { page, wrong };
  }

  /** Colours of a plot's pixels that are not its background: 0 where nothing was drawn. */
  function inkOf(page: Page, selector: string): Promise<number> {
    return page
      .locator(`${selector} canvas`)
      .first()
      .evaluate((element: unknown) => {
        const canvas = element as { width: number; height: number; getContext(kind: string): unknown };
        const context = canvas.getContext("2d") as { getImageData(...box: number[]): { data: Uint8ClampedArray } };
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set<number>();
        for (let i = 0; i < data.length; i += 4)
          if ((data[i + 3] ?? 0) > 200)
            seen.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
        return seen.size;
      });
  }

  it.each(["light", "dark"] as const)("draws a run: percentiles, time, phases, pairs of CPUs (%s)", async (scheme) => {
    const { page, wrong } = await open("run", scheme);
    for (const plot of ["s0-percentiles", "s0-time"])
      expect(await inkOf(page, `[data-plot="${plot}"]`)).toBeGreaterThan(10);
    expect(await page.locator("svg.bars rect").count()).toBe(7);
    expect(await page.locator("svg.heat").count()).toBe(2);
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(scheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 23, 28)");
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(wrong).toEqual([]);
  });

  it("draws a sweep, whose number and axes a reader chooses", async () => {
    const { page, wrong } = await open("study", "light");
    const legend = page.locator(".sweep .u-legend");
    expect(await legend.textContent()).toContain("l2Guests 3");
    await page.getByLabel("a line for each").selectOption("–");
    await page.getByLabel("against").selectOption("l2Guests");
    await page.getByLabel("number").selectOption("clears.crossCpu");
    expect(await legend.textContent()).toContain("clears.crossCpu");
    expect(await legend.textContent()).not.toContain("l2Guests 3");
    expect(await page.locator(".sweep label:visible").filter({ hasText: "poolSize" }).count()).toBeGreaterThan(0);
    expect(await inkOf(page, ".sweep")).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it("changes its theme by the button", async () => {
    const { page } = await open("run", "light");
    const button = page.locator("#theme");
    for (const [theme, background] of [
      ["light", "rgb(255, 255, 255)"],
      ["dark", "rgb(20, 23, 28)"],
      ["as the system", "rgb(255, 255, 255)"],
    ]) {
      await button.click();
      expect(await button.textContent()).toBe(`theme: ${theme}`);
      expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(background);
    }
  });

  it("is there for a study and for a run, and not for each repetition", () => {
    const files = (...path: string[]) => readdirSync(join(folder, ...path));
    expect(files("study", "seen", "latest")).toContain("report.html");
    expect(files("run", "seen", "latest")).toContain("report.html");
    expect(files("study", "seen", "latest", "cells", "poolSize=1,l2Guests=1", "1")).not.toContain("report.html");
  });
});

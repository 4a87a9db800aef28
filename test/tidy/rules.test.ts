import { describe, expect, it } from "vitest";
import { findBannedIdentifiers } from "./rules/banned-identifiers.js";
import { findClockOffences } from "./rules/clock-and-randomness.js";
import { findDeadFiles } from "./rules/dead-files.js";
import { findDefaultExports } from "./rules/default-exports.js";
import { findMissingPaths } from "./rules/doc-paths.js";
import { findLongFiles } from "./rules/file-length.js";
import { findFocusedTests } from "./rules/focused-tests.js";
import { findImportOffences } from "./rules/import-directions.js";
import { findScatteredImports } from "./rules/single-importer.js";
import { describeOffences, type SourceFile, sourceFile } from "./source-file.js";

/** Plants files and returns what a rule finds in them. */
const planted = (files: Readonly<Record<string, string>>): SourceFile[] =>
  Object.entries(files).map(([path, text]) => sourceFile(path, text));

describe("import directions", () => {
  const judge = (path: string, text: string): string[] =>
    describeOffences(findImportOffences(planted({ [path]: text })));

  it("an import upwards", () => {
    expect(judge("packages/vmx/src/a.ts", 'import { x } from "@vmcslab/nested";')).toEqual([
      "packages/vmx/src/a.ts:1: packages/vmx imports @vmcslab/nested; it may import no other package",
    ]);
    expect(judge("packages/nested/src/a.ts", 'export * from "@vmcslab/runtime/clock";')).toHaveLength(1);
  });

  it("an import of a service by a service, by name or by path", () => {
    expect(judge("services/l0/src/a.ts", 'import { x } from "@vmcslab/service-cpu";')).toHaveLength(1);
    expect(judge("services/l0/src/a.ts", 'import { x } from "../../cpu/src/b.js";')[0]).toContain("leaves services/l0");
  });

  it("a platform or an npm package in a pure package, on several lines or dynamically", () => {
    expect(judge("packages/sim/src/a.ts", 'import {\n  readFileSync,\n} from "node:fs";')).toHaveLength(1);
    expect(judge("packages/nested/src/a.ts", 'const z = import("zod");')).toHaveLength(1);
    expect(judge("packages/nested/src/a.ts", 'import "pino";')).toHaveLength(1);
  });

  it("a workspace that has no place yet", () => {
    expect(judge("packages/fresh/src/a.ts", 'import { x } from "@vmcslab/vmx";')[0]).toContain("give it one");
  });

  it("allows what points downwards, and a pure package's tests their tools", () => {
    expect(judge("packages/lab/src/a.ts", 'import { x } from "@vmcslab/sim";\nimport { z } from "zod";')).toEqual([]);
    expect(
      judge("packages/vmx/src/a.test.ts", 'import { it } from "vitest";\nimport { readFileSync } from "node:fs";'),
    ).toEqual([]);
    expect(judge("packages/vmx/src/a.ts", '// import { x } from "@vmcslab/lab";')).toEqual([]);
  });
});

describe("banned identifiers", () => {
  const judge = (text: string, path = "packages/nested/src/a.ts"): string[] =>
    describeOffences(findBannedIdentifiers(planted({ [path]: text })));

  it.each([
    ...[
      "Date.now()",
      "new Date(0)",
      "Math.random()",
      "performance.now()",
      "setTimeout(f, 1)",
      "setInterval(f, 1)",
      "setImmediate(f)",
      "queueMicrotask(f)",
    ],
    ...[
      "console.log(1)",
      "process.env",
      "globalThis.x",
      "fetch(url)",
      "crypto.subtle",
      "Buffer.from(a)",
      "Promise.all(a)",
      "async () => 1",
      "await x",
    ],
    ...["Intl.NumberFormat", "a.localeCompare(b)", "new WeakRef(a)", "eval(a)", `\`\${Date.now()}\``],
  ])("%s in a pure package", (expression) => {
    expect(judge(`const a = 1;\nconst x = ${expression};`)[0]).toMatch(
      /^packages\/nested\/src\/a\.ts:2: .* is banned in pure packages: ./,
    );
  });

  it("names the replacement", () => {
    expect(judge("Math.random()")).toEqual([
      "packages/nested/src/a.ts:1: Math.random is banned in pure packages: draw from a named stream of the seed that is handed in",
    ]);
  });

  it("is silent about comments, strings, members and longer names", () => {
    expect(
      judge(
        '// new Date()\n/* await */ const a = "Date.now()"; event.process.x; UpDate; this.#fetch(1); x.fetch(1); const re = /await Date/;',
      ),
    ).toEqual([]);
  });

  it("lets a named exception be asynchronous, and nothing else", () => {
    const found = findBannedIdentifiers(planted({ "packages/history/src/a.ts": "await Promise.all([]); Date.now()" }), {
      "packages/history/src/a.ts": "reads streams",
    });
    expect(found.map(({ message }) => message.split(" ")[0])).toEqual(["Date"]);
  });

  it("does not concern the shells, nor tests", () => {
    expect(judge("await Date.now()", "packages/runtime/src/a.ts")).toEqual([]);
    expect(judge("await x", "packages/nested/src/a.test.ts")).toEqual([]);
  });
});

describe("clock and randomness", () => {
  it.each([
    "Date.now()",
    "new Date()",
    "performance.now()",
    "process.hrtime.bigint()",
    "Math.random()",
    "randomUUID()",
    "crypto.getRandomValues(a)",
    "setTimeout(f, 1)",
  ])("%s outside of the clock", (expression) => {
    expect(describeOffences(findClockOffences(planted({ "services/l0/src/a.ts": `\n${expression}` })))[0]).toMatch(
      /^services\/l0\/src\/a\.ts:2: /,
    );
    expect(findClockOffences(planted({ "packages/runtime/src/clock.ts": expression }))).toEqual([]);
  });

  it("a file that may set a timer may still not ask for the time", () => {
    const planting = (text: string): SourceFile[] => planted({ "packages/cli/src/output/progress.ts": text });
    expect(findClockOffences(planting("setInterval(f, 1)"))).toEqual([]);
    expect(findClockOffences(planting("Date.now()"))).toHaveLength(1);
  });

  it("a Date made of a given time asks nobody", () => {
    expect(
      findClockOffences(planted({ "packages/lab/src/a.ts": "new Date(wallMs).toISOString(); clock.setTimeout(f)" })),
    ).toEqual([]);
  });
});

describe("focused and skipped tests", () => {
  const judge = (text: string): string[] =>
    describeOffences(findFocusedTests(planted({ "packages/vmx/src/a.test.ts": text })));

  it("a test that hides the others", () => {
    expect(judge('it.only("x", f);\ndescribe.concurrent.only("y", f);')).toEqual([
      "packages/vmx/src/a.test.ts:1: it.only hides all other tests",
      "packages/vmx/src/a.test.ts:2: describe.concurrent.only hides all other tests",
    ]);
  });

  it("a skipped test without a reason", () => {
    expect(judge('it.skip("x", f);')).toHaveLength(1);
    expect(judge('// skipped: needs a board\nit.skip("x", f);')).toEqual([]);
    expect(judge('// skipped: whatever\nit.only("x", f);')).toHaveLength(1);
  });
});

describe("default exports", () => {
  it("in both spellings", () => {
    const files = planted({
      "packages/lab/src/a.ts": "export default 1;",
      "packages/lab/src/b.ts": "export { b as default };",
      "packages/lab/src/c.ts": 'const c = "export default";',
    });
    expect(findDefaultExports(files).map(({ path }) => path)).toEqual([
      "packages/lab/src/a.ts",
      "packages/lab/src/b.ts",
    ]);
    expect(findDefaultExports(files, { "packages/lab/src/a.ts": "a tool wants it" })).toHaveLength(1);
  });
});

describe("long files", () => {
  const lines = (count: number): string => "x\n".repeat(count);

  it("over 400 lines, unless argued for", () => {
    const files = planted({ "a.ts": lines(400), "b.ts": lines(401), "c.ts": lines(500) });
    expect(describeOffences(findLongFiles(files, { "c.ts": "one table" }))).toEqual([
      "b.ts: 401 lines, over 400: split it by subject, or argue for it in LONG_FILES",
    ]);
  });

  it("an argument that is not needed any more", () => {
    expect(findLongFiles(planted({ "a.ts": lines(3) }), { "a.ts": "was long" })).toHaveLength(1);
  });
});

describe("one folder that imports", () => {
  const importing = 'import { connect } from "nats";';

  it("files outside of it", () => {
    const files = planted({
      "packages/runtime/src/bus/nats/a.ts": importing,
      "packages/runtime/src/bus/nats/b.ts": importing,
      "packages/runtime/src/c.ts": importing,
      "services/trace/src/d.ts": importing,
    });
    expect(findScatteredImports(files).map(({ path }) => path)).toEqual([
      "packages/runtime/src/c.ts",
      "services/trace/src/d.ts",
    ]);
    expect(findScatteredImports(files.slice(0, 2))).toEqual([]);
  });
});

describe("dead files", () => {
  const manifests = [
    {
      folder: "packages/lab",
      json: {
        name: "@vmcslab/lab",
        exports: { ".": { source: "./src/index.ts" }, "./exec": { source: "./src/exec.ts" } },
      },
    },
  ];

  it("one that nothing imports, and one that only a dead one imports", () => {
    const files = planted({
      "packages/lab/src/index.ts": 'export * from "./used.js";',
      "packages/lab/src/used.ts": 'new Worker(new URL("./worker.js", import.meta.url)); // "./dead.js"',
      "packages/lab/src/worker.ts": "",
      "packages/lab/src/exec.ts": "",
      "packages/lab/src/dead.ts": 'import "./deader.js";',
      "packages/lab/src/deader.ts": "",
    });
    expect(findDeadFiles(files, manifests).map(({ path }) => path)).toEqual([
      "packages/lab/src/dead.ts",
      "packages/lab/src/deader.ts",
    ]);
  });

  it("a test, a command and a script keep alive what they use", () => {
    const files = planted({
      "packages/lab/src/a.test.ts": 'import "./a.js";',
      "packages/lab/src/a.ts": "",
      "packages/lab/bin/b.js": 'import "../dist/b.js";',
      "packages/lab/src/b.ts": "",
    });
    expect(findDeadFiles(files, manifests)).toEqual([]);
  });
});

describe("paths named in pages", () => {
  const judge = (text: string, page = "docs/a.md"): string[] =>
    describeOffences(
      findMissingPaths(planted({ [page]: text }), (path) =>
        ["packages/vmx/src/index.ts", "docs/b.md", "experiments", "README.md"].includes(path),
      ),
    );

  it("a path in backticks or in a link that does not exist", () => {
    expect(judge("See\n`packages/vmx/src/gone.ts`.")).toEqual([
      "docs/a.md:2: names packages/vmx/src/gone.ts, which does not exist",
    ]);
    expect(judge("[it](gone.md#part), `npx x experiments/gone.yaml`")).toEqual([
      "docs/a.md:1: names experiments/gone.yaml, which does not exist",
      "docs/a.md:1: names docs/gone.md, which does not exist",
    ]);
  });

  it("is silent about what exists, patterns, addresses, and blocks of code", () => {
    expect(
      judge(
        "`packages/vmx/src/index.ts:12` [b](b.md#x) [up](../README.md) `packages/*/src` `test/…` [w](https://x.y/docs/z) [h](#here)",
      ),
    ).toEqual([]);
    expect(judge("```\n`packages/gone/x`\n```\n`a/b` `docs`")).toEqual([]);
  });
});

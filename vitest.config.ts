import { defineConfig } from "vitest/config";

const CONTAINERS = "test/containers/**/*.test.ts";

// Tests resolve workspace packages to their TypeScript sources (the "source" condition of each
// package's exports), so that what is tested is what is being edited. Tests that start processes
// use the built command, which `npm test` builds first.
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "local",
          include: ["packages/*/src/**/*.test.ts", "services/*/src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [CONTAINERS],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Hosts of eight containers each: after everything else, and one at a time.
        extends: true,
        test: {
          name: "containers",
          include: [CONTAINERS],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

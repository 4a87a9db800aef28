import { defineConfig } from "vitest/config";

// Tests resolve workspace packages to their TypeScript sources (the "source" condition of each
// package's exports), so that what is tested is what is being edited. Tests that start processes
// use the built command, which `npm test` builds first.
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "services/*/src/**/*.test.ts", "test/**/*.test.ts"],
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

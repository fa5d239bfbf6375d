import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Most tests wait for a process of their own; by default one processor would stay idle.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    // A run in which nothing ran is a failure, not a pass.
    passWithNoTests: false,
  },
});

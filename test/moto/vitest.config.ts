import { defineConfig } from 'vitest/config';

/** `npm run test:moto`; installs moto at its first run, for which it needs Python with pip. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/moto/**/*.test.ts'],
    testTimeout: 400_000,
    passWithNoTests: false,
  },
});

import { defineConfig } from 'vitest/config';

/** `npm run test:moto`; needs `moto_server` of `pip install 'moto[ecr,server]'` on PATH, or its path in MOTO_SERVER. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/moto/**/*.test.ts'],
    testTimeout: 120_000,
    passWithNoTests: false,
  },
});

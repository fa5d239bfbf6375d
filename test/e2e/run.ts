import { runHome, setUp, tearDown, testsPid } from './environment.ts';
import { runSuite } from './suite.ts';

await runSuite({ config: 'test/e2e/vitest.config.ts', setUp, tearDown, runHome, testsPid });

import { runSuite } from '../e2e/suite.ts';
import { runHome, setUp, tearDown, testsPid } from './environment.ts';

await runSuite({ config: 'test/servers/vitest.config.ts', setUp, tearDown, runHome, testsPid });

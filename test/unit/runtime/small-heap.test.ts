import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepHeapSmall } from '../../../src/runtime/small-heap.ts';

const MODULE = join(import.meta.dirname, '../../../src/runtime/small-heap.ts');
const MEBIBYTE = 1024 * 1024;

/** Creates objects of which the younger ones survive, as answers in flight do, and returns the largest space for new ones. */
function newSpace(before: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepHeapSmall } from ${JSON.stringify(MODULE)};
    ${before}
    let largest = 0;
    const held = [];
    for (let round = 0; round < 3000; round += 1) {
      held[round % 200] = Array.from({ length: 200 }, (_, at) => ({ text: \`\${round} \${at}\`, at }));
      const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
      largest = Math.max(largest, space.space_size);
    }
    console.log(largest);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  // A flag that V8 does not know is an error on stderr, and nothing else.
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return Number(stdout);
}

test('the space for new objects stays small in the Node of action.yml', () => {
  const small = newSpace('if (!keepHeapSmall()) throw new Error("not set");');
  const usual = newSpace('');
  // Measured: 2 to 6 MiB, and 32 MiB without the flags.
  expect(small).toBeLessThanOrEqual(10 * MEBIBYTE);
  expect(usual).toBeGreaterThan(2 * small);
});

test('in another version nothing is set', () => {
  expect(keepHeapSmall('v26.0.0')).toBe(false);
  expect(keepHeapSmall('v240.0.0')).toBe(false);
  const action = readFileSync(join(import.meta.dirname, '../../../action.yml'), 'utf8');
  expect(action).toMatch(/^ {2}using: node24$/m);
});

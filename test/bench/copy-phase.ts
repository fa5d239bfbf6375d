import { readFile } from 'node:fs/promises';
import { isDigest } from '../../src/domain/digest.ts';
import { copyImage } from '../../src/oci/transfer/copy.ts';
import { writeTag } from '../../src/oci/transfer/push.ts';
import { anonymousRepository } from '../support/anonymous.ts';
import { createTestRuntime } from '../support/runtime.ts';

// Copies by itself: `copy-phase.ts <host/repository@digest> <host/repository:tag> [file of authorities]`. Says the seconds of
// that alone, without those in which Node starts, and the most memory of the process in bytes.
const [source = '', target = '', ca = ''] = process.argv.slice(2);
await using runtime = await createTestRuntime();
const { log } = runtime;
const start = performance.now();

const authorities = ca === '' ? undefined : await readFile(ca, 'utf8');
const [from = '', digest] = source.split('@');
const [, to = '', tag = ''] = /^(.*):([^:/]+)$/.exec(target) ?? [];
if (!isDigest(digest)) throw new Error('usage: copy-phase.ts HOST/NAME@DIGEST HOST/NAME:TAG [CA]');
const repositories = {
  from: await anonymousRepository(from, authorities),
  to: await anonymousRepository(to, authorities),
};
const root = await repositories.from.get(digest);
if (root === undefined) throw new Error(`There is no ${source}.`);
await copyImage({ from: repositories.from, to: [repositories.to], digest, log });
await writeTag(repositories.to, tag, root);
// `maxRSS` begins with what the parent held when it started this process.
const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
console.log((performance.now() - start) / 1000, Number(kibibytes) * 1024);

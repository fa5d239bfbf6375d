import { readFile } from 'node:fs/promises';
import { isDigest } from '../../src/domain/digest.ts';
import { anonymousRepository } from './anonymous.ts';

/**
 * A program for tests: copies blobs of `org/app` from one registry to another, all at the same time, and writes by how much
 * its memory grew at the most, in KiB. Arguments: host, other host, then `DIGEST=SIZE` for each.
 */
const [source = '', target = '', ...blobs] = process.argv.slice(2);
const memory = async (what: 'VmRSS' | 'VmHWM'): Promise<number> => {
  const [, kibibytes] =
    new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(await readFile('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes);
};

const [from, to] = [await anonymousRepository(`${source}/org/app`), await anonymousRepository(`${target}/org/app`)];
// Node compiles what it runs for the first time with memory that it gives back.
const before = await memory('VmHWM');
await Promise.all(
  blobs.map(async (each) => {
    const [digest, size] = each.split('=');
    if (!isDigest(digest)) throw new Error('usage: copy-large.ts HOST HOST DIGEST=SIZE…');
    const blob = { mediaType: 'application/octet-stream', digest, size: Number(size) };
    await to.putBlob(blob, () => from.readBlob(blob));
  }),
);
process.stdout.write(String((await memory('VmHWM')) - before));

import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest } from '../../src/domain/digest.ts';
import { openLayoutFiles } from '../../src/oci/layout-files.ts';
import { createRegistryClient } from '../../src/oci/repository.ts';

/**
 * A program for tests: uploads one blob of a layout to `org/app` and writes the most memory that it held, in KiB.
 * Arguments: host, folder of the layout, digest, size.
 */
const [host = '', directory = '', digest, size] = process.argv.slice(2);
if (!isDigest(digest)) throw new Error('usage: upload-large.ts HOST DIRECTORY DIGEST SIZE');
const quiet = () => undefined;
const client = await createRegistryClient({
  host,
  credentials: async () => undefined,
  clock: { now: () => new Date(), sleep: (milliseconds) => sleep(milliseconds) },
  signal: new AbortController().signal,
  log: { info: quiet, debug: quiet, notice: quiet, warning: quiet, error: quiet, group: (_, task) => task() },
  mask: quiet,
});
const blob = { mediaType: 'application/octet-stream', digest, size: Number(size) };
const files = openLayoutFiles(directory);
await client.repository('org/app').putBlob(blob, () => ({ path: files.path(digest) }));
process.stdout.write(String(process.resourceUsage().maxRSS));

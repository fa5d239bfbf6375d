import { isDigest } from '../../src/domain/digest.ts';
import { openLayoutFiles } from '../../src/oci/image/layout-files.ts';
import { anonymousRepository } from './anonymous.ts';

/**
 * A program for tests: uploads one blob of a layout to `org/app` and writes the most memory that it held, in KiB.
 * Arguments: host, folder of the layout, digest, size.
 */
const [host = '', directory = '', digest, size] = process.argv.slice(2);
if (!isDigest(digest)) throw new Error('usage: upload-large.ts HOST DIRECTORY DIGEST SIZE');
const repository = await anonymousRepository(`${host}/org/app`);
const blob = { mediaType: 'application/octet-stream', digest, size: Number(size) };
const files = openLayoutFiles(directory);
await repository.putBlob(blob, () => ({ path: files.path(digest), digest }));
process.stdout.write(String(process.resourceUsage().maxRSS));

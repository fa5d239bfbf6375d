import { readFile } from 'node:fs/promises';
import { readLayout } from '../../src/oci/image/layout.ts';
import { pushContent, writeTag } from '../../src/oci/transfer/push.ts';
import { anonymousRepository } from '../support/anonymous.ts';

// Pushes a layout by itself: `push-phase.ts <layout> <host> <repository> [file of its authority]`. Says the seconds of that alone, without those
// in which Node starts and the layout is read and checked.
const [layout = '', host = '', name = '', ca = ''] = process.argv.slice(2);
const image = await readLayout(layout);
const start = performance.now();
const repository = await anonymousRepository(`${host}/${name}`, ca === '' ? undefined : await readFile(ca, 'utf8'));
await pushContent(repository, image);
await writeTag(repository, '1', image.root);
console.log((performance.now() - start) / 1000);

import { expect, test } from 'vitest';
import { LayerTar, type TarHeader } from '../../../../src/tools/trivy/layer-tar.ts';
import { type TarEntry, tarOfEntries } from '../../../support/tar.ts';

/** Reads a tar in pieces of a size that fits no block. */
function read(tar: Uint8Array, piece = 100): readonly (readonly [string, string, string])[] {
  const found: [TarHeader, string][] = [];
  const reader = new LayerTar((header) => {
    const entry: [TarHeader, string] = [header, ''];
    found.push(entry);
    return {
      take: (bytes) => {
        entry[1] += Buffer.from(bytes).toString('latin1');
      },
    };
  });
  for (let at = 0; at < tar.length; at += piece) reader.push(tar.subarray(at, at + piece));
  reader.end();
  return found.map(([{ kind, name, target }, content]) => [kind, name, target || content]);
}

const file = (name: string, content = ''): TarEntry => ({ header: { name }, content });
const LONG = `${'long/'.repeat(60)}name`;

/** Writes a field of the first header and corrects its checksum. */
function changed(tar: Uint8Array, at: number, text: string): Uint8Array {
  const copy = Buffer.from(tar);
  copy.write(text, at, 'latin1');
  copy.fill(0x20, 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

const TWO = await tarOfEntries([file('a', 'one'), file('b', 'two')]);

test.each<[string, Uint8Array, ReturnType<typeof read>]>([
  [
    'files',
    TWO,
    [
      ['file', 'a', 'one'],
      ['file', 'b', 'two'],
    ],
  ],
  [
    'names and targets of any length, in a PAX header',
    await tarOfEntries([file(LONG, 'x'), { header: { name: 'l', type: 'link', linkname: LONG } }]),
    [
      ['file', LONG, 'x'],
      ['link', 'l', LONG],
    ],
  ],
  [
    'a global PAX header without effect',
    Buffer.concat([pax('g', 'path=other'), TWO]),
    [
      ['file', 'a', 'one'],
      ['file', 'b', 'two'],
    ],
  ],
  [
    'a PAX header for the next entry alone',
    Buffer.concat([pax('x', 'path=other'), TWO]),
    [
      ['file', 'other', 'one'],
      ['file', 'b', 'two'],
    ],
  ],
  ['nothing after two empty blocks', Buffer.concat([await tarOfEntries([file('a')]), TWO]), [['file', 'a', '']]],
  [
    'a hard link without content, whatever its size says',
    changed(
      changed(
        await tarOfEntries([{ header: { name: 'l', type: 'link', linkname: 'a' } }, file('b', 'two')]),
        124,
        '00000001000',
      ),
      0,
      'l',
    ),
    [
      ['link', 'l', 'a'],
      ['file', 'b', 'two'],
    ],
  ],
])('%s', (_, tar, entries) => {
  for (const piece of [1, 100, 512, 100_000]) expect(read(tar, piece)).toEqual(entries);
});

function pax(flag: string, record: string): Uint8Array {
  const text = `${record.length + 4} ${record}\n`;
  const block = Buffer.alloc(1024);
  block.write('h', 0);
  block.write('0000644\0', 100);
  block.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124);
  block.write(flag, 156);
  block.write('ustar\0', 257, 'latin1');
  block.write(text, 512);
  return changed(block, 0, 'h');
}

test.each([
  ['a wrong checksum', Buffer.concat([Buffer.from('x'), TWO.subarray(1)]), /checksum/],
  ['an entry after one empty block', Buffer.concat([Buffer.alloc(512), TWO]), /follows an empty block/],
  ['content that is cut off', TWO.subarray(0, 513), /ends 2 bytes too early/],
  ['a header that is cut off', TWO.subarray(0, 200), /ends in a header/],
  ['a negative size', changed(TWO, 124, '\u00ff'.repeat(12)), /negative/],
])('%s is an error', (_, tar, said) => {
  expect(() => read(tar)).toThrow(said);
});

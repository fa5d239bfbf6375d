import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { withPalette } from '../../pictures/palette.ts';

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const numbers = [content.length, crc32(body)].map((value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  });
  return Buffer.concat([numbers[0] ?? Buffer.alloc(0), body, numbers[1] ?? Buffer.alloc(0)]);
}

test('a picture keeps its size and its colours, whatever the filters of its rows', () => {
  // Two by two: red and white, and below, filtered by what is above (2), the same again.
  const rows = Buffer.from([0, 252, 0, 0, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0]);
  const header = Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
  const signature = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1');
  const png = [signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  const small = withPalette(Buffer.concat(png));
  expect(small.subarray(16, 26)).toEqual(Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 3]));
  const at = small.indexOf('PLTE') + 4;
  expect([...small.subarray(at, at + 6)]).toEqual([255, 0, 0, 255, 255, 255]);
  const data = small.indexOf('IDAT') + 4;
  expect([...inflateSync(small.subarray(data))]).toEqual([0, 0, 1, 0, 0, 1]);
});

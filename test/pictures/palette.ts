import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_COLOURS = 256;

/**
 * A picture with at most 256 colours, a third of its size: what a browser draws of text and boxes hardly has more.
 * @param png as Chromium writes it: 8 bits for each of red, green, blue and perhaps alpha, not interlaced
 * @see https://www.w3.org/TR/png-3/
 */
export function withPalette(png: Buffer): Buffer {
  const { width, height, channels, data } = decode(png);
  const counts = new Map<number, number>();
  const colours = new Uint32Array(width * height);
  for (let at = 0; at < colours.length; at++) {
    // The lowest bits are not seen.
    const colour = ((data.readUIntBE(at * channels, 3) & 0xfcfcfc) | 0) >>> 0;
    colours[at] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MAX_COLOURS)
    .map(([colour]) => colour);
  const nearest = new Map<number, number>(palette.map((colour, index) => [colour, index]));
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colours[y * width + x] ?? 0;
      const index = nearest.get(colour) ?? nearestOf(colour, palette);
      nearest.set(colour, index);
      rows[y * (width + 1) + 1 + x] = index;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const table = Buffer.from(palette.flatMap((colour) => [16, 8, 0].map((shift) => full((colour >> shift) & 0xfc))));
  const body = [chunk('IHDR', header), chunk('PLTE', table), chunk('IDAT', deflateSync(rows, { level: 9 }))];
  return Buffer.concat([SIGNATURE, ...body, chunk('IEND', Buffer.alloc(0))]);
}

/** Six bits as eight, so that white stays white. */
function full(value: number): number {
  return value | (value >> 6);
}

function nearestOf(colour: number, palette: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  palette.forEach((other, index) => {
    const distance = [16, 8, 0].reduce(
      (sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2,
      0,
    );
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

function decode(png: Buffer) {
  const parts: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const channels = png[25] === 6 ? 4 : 3;
  if (png[24] !== 8 || (png[25] !== 6 && png[25] !== 2) || png[28] !== 0) throw new Error('This PNG has another form.');
  return { width, height, channels, data: unfilter(inflateSync(Buffer.concat(parts)), width * channels, channels) };
}

/** The bytes of the rows without their filters. */
function unfilter(raw: Buffer, stride: number, channels: number): Buffer {
  const height = raw.length / (stride + 1);
  const data = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < channels ? 0 : (data[at - channels] ?? 0);
      const up = y === 0 ? 0 : (data[at - stride] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (data[at - stride - channels] ?? 0);
      const expected = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? 0] ?? 0;
      data[at] = (raw[y * (stride + 1) + 1 + x] ?? 0) + expected;
    }
  }
  return data;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((each) => Math.abs(estimate - each));
  if (a === undefined || b === undefined || c === undefined) return 0;
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** FNV-1a of 32 bits, in hexadecimal: tells names apart that a tool writes alike, and is the same everywhere. */
export function shortHash(text: string): string {
  let value = 0x81_1c_9d_c5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01_00_01_93) >>> 0;
  return value.toString(16).padStart(8, '0');
}

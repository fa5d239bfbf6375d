declare module 'snappyjs' {
  export function compress(bytes: Uint8Array): Uint8Array;
  /** @throws Error when the bytes are not Snappy, or say that they are longer than `maxLength` */
  export function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array;
}

// The published types describe the renderer of an older marked; this is what version 7 exports.
declare module 'marked-terminal' {
  import type { MarkedExtension } from 'marked';

  export function markedTerminal(options?: Readonly<Record<string, unknown>>): MarkedExtension;
}

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { fieldsOf } from '../../src/domain/fields.ts';

/** A transparency log that is reached through a proxy, which measures how long it takes. */
export interface LogWait {
  /** How long at least one entry was waited for since `mark`. */
  readonly seconds: () => number;
  readonly mark: () => void;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Puts a proxy before Rekor. It answers when the entry is in its next checkpoint, which takes up to a second whoever asks: that is no
 * property of the client, and by chance one of two clients would be faster every time.
 * @param rekor the log
 * @param signingConfig rewritten in place, so that clients go through the proxy
 */
export async function startLogWait(rekor: string, signingConfig: string): Promise<LogWait> {
  let waits: { readonly from: number; readonly to: number }[] = [];
  const server = createServer((incoming, outgoing) => {
    const from = performance.now();
    const { method, url, headers } = incoming;
    const forwarded = request(new URL(url ?? '/', rekor), { method, headers }, (answer) => {
      waits.push({ from, to: performance.now() });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const own = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const config = fieldsOf(JSON.parse(await readFile(signingConfig, 'utf8')));
  await writeFile(signingConfig, JSON.stringify(config).replaceAll(rekor, own));
  return {
    seconds: () => {
      // Entries that are waited for together count once.
      let end = 0;
      return (
        waits
          .toSorted((one, other) => one.from - other.from)
          .reduce((sum, { from, to }) => {
            const more = Math.max(to - Math.max(from, end), 0);
            end = Math.max(end, to);
            return sum + more;
          }, 0) / 1000
      );
    },
    mark: () => {
      waits = [];
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PlainAgent } from '../../../src/http/agent.ts';

it('bytes that nobody takes at once are not overwritten by the next ones', async () => {
  let peer: Socket | undefined;
  const server = createServer((socket) => {
    peer = socket;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    const socket = new PlainAgent().createConnection({ host: '127.0.0.1', port: port ?? 0 });
    if (socket === null || socket === undefined) throw new Error('There is no connection.');
    await once(socket, 'connect');
    await expect.poll(() => peer).toBeDefined();
    // Begins to read, and nobody listens.
    socket.read(0);
    for (const letter of ['a', 'b', 'c']) {
      peer?.write(letter.repeat(1000));
      await sleep(30);
    }
    peer?.end();
    expect((await buffer(socket)).toString()).toBe(['a', 'b', 'c'].map((each) => each.repeat(1000)).join(''));
  } finally {
    server.close();
  }
});

import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { expect, test } from 'vitest';
import { networkError } from '../../../src/http/registry-error.ts';

test('a server that speaks HTTP where TLS is expected is told as that, and not as a certificate', async () => {
  const server = http.createServer((_, response) => response.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [error] = await once(https.get({ host: '127.0.0.1', port }), 'error').catch((thrown: unknown) => [thrown]);
  server.close();
  expect(error).toMatchObject({ code: 'EPROTO' });
  expect(networkError(error, 'GET /v2/ at registry.example.com', { registry: 'registry.example.com' })).toMatchObject({
    code: 'PLAIN_HTTP',
    message: 'GET /v2/ at registry.example.com failed: the answer is not TLS, most likely it is plain HTTP.',
    facts: { registry: 'registry.example.com' },
  });
});

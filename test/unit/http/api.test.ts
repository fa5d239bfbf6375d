import { expect, test } from 'vitest';
import { vendorPlace } from '../../support/vendor-place.ts';

test('a refusal that repeats a secret has it taken out, also where the caller understands its status', async () => {
  const said = { message: 'the token canary-secret is not allowed' };
  const { place } = await vendorPlace(
    { 'api.example': ({ url }) => ({ status: url.pathname === '/good' ? 200 : 403, body: said }) },
    { host: 'api.example', repository: 'app' },
  );
  place.api.secret('canary-secret');
  const ask = (path: string) =>
    place.api.request({
      method: 'GET',
      url: new URL(path, 'https://api.example'),
      expect: [200, 403],
      operation: 'read',
      what: 'a question',
    });
  const refused = await ask('/bad');
  expect(refused.text).toContain('***');
  expect(JSON.stringify([refused.text, refused.json])).not.toContain('canary');
  // What is given is given whole: a token that is met again is no secret of an error.
  expect((await ask('/good')).json).toEqual(said);
});

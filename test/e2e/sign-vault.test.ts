import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../support/registry-client.ts';
import { find } from './programs.ts';
import { signDigest } from './sigstore/digest-signature.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
const NONE = { 'signer-identity': '', 'signer-issuer': '', 'trusted-root': '' };
const TOKEN = 'hvs.CAESIJlWh2gHashicorpVaultToken';

/**
 * The transit engine of Vault and OpenBao, as far as signing takes: https://developer.hashicorp.com/vault/api-docs/secret/transit
 * It answers as they do to another token (403) and to a key that does not exist (404 without a reason).
 * @param mount where the engine is mounted
 */
async function startVault(mount = 'transit') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const requests: string[] = [];
  const reply = async (request: IncomingMessage): Promise<readonly [number, unknown]> => {
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}`);
    if (request.headers['x-vault-token'] !== TOKEN) return [403, { errors: ['permission denied'] }];
    if (path === `/v1/${mount}/keys/release`) {
      const keys = { '1': { name: 'P-256', public_key: pem, creation_time: '2026-01-01T00:00:00Z' } };
      return [200, { data: { name: 'release', type: 'ecdsa-p256', latest_version: 1, keys } }];
    }
    if (path !== `/v1/${mount}/sign/release/sha2-256`) return [404, { errors: [] }];
    const asked: { input: string; prehashed: boolean } = JSON.parse(await text(request));
    const digest = Buffer.from(asked.input, 'base64');
    if (!asked.prehashed || digest.length !== 32) return [400, { errors: ['invalid input'] }];
    return [200, { data: { key_version: 1, signature: `vault:v1:${await signDigest(privateKey, digest)}` } }];
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const [status, body] = await reply(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(500).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    ...{ pem, requests },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A folder whose `cosign` has all key management services; Debian's has only one. */
let folder = '';
let sum = '';
const env = (more: Readonly<Record<string, string>>) => ({
  PATH: [folder, process.env.PATH].join(delimiter),
  ...more,
});

beforeAll(async () => {
  const program = find('cosign-kms', process.env.PATH ?? '') ?? '';
  folder = join(job.scene.directory, 'cosign-kms');
  await mkdir(folder, { recursive: true });
  await copyFile(program, join(folder, 'cosign'));
  sum = createHash('sha256')
    .update(await readFile(program))
    .digest('hex');
});

describe('a key in a transit engine signs through cosign', () => {
  it.each([
    ['hashivault', { VAULT_TOKEN: TOKEN }, 'VAULT_ADDR', 'transit'],
    ['openbao', { BAO_TOKEN: TOKEN }, 'BAO_ADDR', 'transit'],
    ['hashivault', { VAULT_TOKEN: TOKEN, TRANSIT_SECRET_ENGINE_PATH: 'signing' }, 'VAULT_ADDR', 'signing'],
  ])('`%s://`, with %o: verified by cosign and here, the token is in no log', async (scheme, login, address, mount) => {
    await using vault = await startVault(mount);
    const { image } = job.fresh('fallback');
    const inputs = { sign: 'key', 'sign-key': `${scheme}://release`, 'cosign-sha256': sum };
    const published = await job.publish(image, inputs, env({ ...login, [address]: vault.url }));
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(published.log).not.toContain(TOKEN);
    expect(vault.requests).toContain(`PUT /v1/${mount}/sign/release/sha2-256`);
    const key = join(job.setting.repository.directory, 'vault.pub');
    await writeFile(key, vault.pem);
    const reference = `${image}@${published.outputs.digest}`;
    expect(await job.cosign('verify', reference, '--key', key, '--insecure-ignore-tlog')).toContain(
      published.outputs.digest,
    );
    const policy = { ...NONE, 'signer-key': 'vault.pub', require: 'signature, gate-result' };
    await using verified = await job.verify(`${image}:main`, policy);
    expect(verified.outputs.outcome, verified.log).toBe('verified');
  });

  it.each([
    ['another token', 'hvs.other', 'release', /permission denied/],
    ['a key that does not exist', TOKEN, 'absent', /transit/],
  ])('%s: its own outcome, no tag moves, and the token is in no log', async (_what, token, key, said) => {
    await using vault = await startVault();
    const { image, host, name } = job.fresh('api');
    const inputs = { sign: 'key', 'sign-key': `hashivault://${key}`, 'cosign-sha256': sum };
    const failed = await job.publish(image, inputs, env({ VAULT_TOKEN: token, VAULT_ADDR: vault.url }));
    expect(failed.outputs.outcome, failed.log).toBe('signing-failed');
    expect(failed.log).toContain('SIGNING_KEY_UNUSABLE');
    expect(failed.log).toMatch(said);
    expect(failed.log).not.toContain(token);
    const { repositoryOf } = await connect({ host });
    expect(await repositoryOf(name).head('main')).toBeUndefined();
  });
});

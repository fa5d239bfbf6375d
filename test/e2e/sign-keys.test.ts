import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeKeyRequest$,
  DescribeKeyResponse$,
  GetPublicKeyRequest$,
  GetPublicKeyResponse$,
  KeyMetadata$,
  SignRequest$,
  SignResponse$,
} from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { connect } from '../support/registry-client.ts';
import { find, run } from './programs.ts';
import { signDigest } from './sigstore/digest-signature.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
const NONE = { 'signer-identity': '', 'signer-issuer': '', 'trusted-root': '' };
const into = (name: string) => join(job.setting.repository.directory, name);
const sumOf = async (program: string) =>
  createHash('sha256')
    .update(await readFile(find(program, process.env.PATH ?? '') ?? ''))
    .digest('hex');

const KEY = 'alias/release';
const ARN = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const KMS_SHAPES = {
  DescribeKey: [DescribeKeyRequest$, DescribeKeyResponse$],
  GetPublicKey: [GetPublicKeyRequest$, GetPublicKeyResponse$],
  Sign: [SignRequest$, SignResponse$],
} as const;

/** Fields that AWS's own client does not know in a shape, and required ones that are missing. */
function unlike([, , shape, , fields, , required = 0]: typeof SignRequest$, value: object): readonly string[] {
  const missing = fields.slice(0, required).filter((field) => !Object.hasOwn(value, field));
  const unknown = Object.keys(value).filter((field) => !fields.includes(field));
  return [...missing, ...unknown].map((field) => `${shape}.${field}`);
}

/**
 * AWS KMS, as far as signing takes, with requests and answers that have the shapes of AWS's own client: https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 * It answers as KMS does to other credentials (AccessDeniedException) and to a key that does not exist (NotFoundException).
 */
async function startKms(accessKey: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const requests: string[] = [];
  const problems: string[] = [];
  const facts = {
    ...{ KeyId: ARN, KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256', CustomerMasterKeySpec: 'ECC_NIST_P256' },
    SigningAlgorithms: ['ECDSA_SHA_256'],
  };
  const reply = async (target: string, body: Asked): Promise<readonly [number, object]> => {
    const { KeyId, Message = '', MessageType, SigningAlgorithm } = body;
    if (KeyId !== KEY && KeyId !== ARN) {
      return [400, { __type: 'NotFoundException', message: `Alias ${KeyId} is not found.` }];
    }
    if (target.endsWith('.DescribeKey')) return [200, { KeyMetadata: { ...facts, Arn: ARN, Enabled: true } }];
    if (target.endsWith('.GetPublicKey')) return [200, { ...facts, PublicKey: spki }];
    if (!target.endsWith('.Sign')) return [400, { __type: 'UnknownOperationException' }];
    // KMS signs the digest itself only when it is told that the message is one.
    if (MessageType !== 'DIGEST' || SigningAlgorithm !== 'ECDSA_SHA_256') {
      return [400, { __type: 'ValidationException', message: 'expected a digest' }];
    }
    const Signature = await signDigest(privateKey, Buffer.from(Message, 'base64'));
    return [200, { KeyId: ARN, Signature, SigningAlgorithm }];
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { 'x-amz-target': header } = request.headers;
    const target = typeof header === 'string' ? header : '';
    const body: Asked = JSON.parse(await text(request));
    requests.push(target);
    const isAllowed = request.headers.authorization?.includes(`Credential=${accessKey}/`) === true;
    const refusal = { __type: 'AccessDeniedException', message: 'User is not authorized to perform: kms:Sign' };
    const [status, json] = isAllowed ? await reply(target, body) : [400, refusal];
    const operation = target.replace('TrentService.', '');
    if (!isOperation(operation)) problems.push(`${target} is not described`);
    else {
      const [asked, answered] = KMS_SHAPES[operation];
      problems.push(...unlike(asked, body), ...(status === 200 ? unlike(answered, json) : []));
      if (operation === 'DescribeKey' && status === 200) {
        problems.push(...unlike(KeyMetadata$, Object(Reflect.get(json, 'KeyMetadata'))));
      }
    }
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(json));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(500).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    env: (key = accessKey) => ({
      AWS_ENDPOINT_URL: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
      ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: SECRET },
    }),
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    requests,
    problems,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isOperation(name: string): name is keyof typeof KMS_SHAPES {
  return Object.hasOwn(KMS_SHAPES, name);
}

interface Asked {
  readonly KeyId?: string;
  readonly Message?: string;
  readonly MessageType?: string;
  readonly SigningAlgorithm?: string;
}

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

describe('a key in a key management service signs through cosign', () => {
  const ACCESS = 'AKIAIOSFODNN7EXAMPLE';

  it('`awskms://`: verified by cosign and by `command: verify`, credentials stay in the environment', async () => {
    await using kms = await startKms(ACCESS);
    const { image } = job.fresh('fallback');
    const inputs = { sign: 'key', 'sign-key': `awskms:///${KEY}`, 'cosign-sha256': await sumOf('cosign') };
    const published = await job.publish(image, inputs, kms.env());
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(published.log).not.toContain(SECRET);
    expect(kms.requests).toContain('TrentService.Sign');
    expect(kms.problems).toEqual([]);
    await writeFile(into('kms.pub'), kms.pem);
    const reference = `${image}@${published.outputs.digest}`;
    const byKey = ['--key', into('kms.pub'), '--insecure-ignore-tlog'];
    expect(await job.cosign('verify', reference, ...byKey)).toContain(published.outputs.digest);
    const policy = { ...NONE, 'signer-key': 'kms.pub', require: 'signature, gate-result, sbom' };
    await using verified = await job.verify(`${image}:main`, policy);
    expect(verified.outputs.outcome, verified.log).toBe('verified');
    // After a rotation the old version is needed as well, and alone it is enough.
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(into('rotated.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await using rotated = await job.verify(`${image}:main`, { ...policy, 'signer-key': 'rotated.pub\nkms.pub' });
    expect(rotated.outputs.outcome, rotated.log).toBe('verified');
    await using newOnly = await job.verify(`${image}:main`, { ...policy, 'signer-key': 'rotated.pub' });
    expect(newOnly.outputs.outcome).toBe('unverified');
  });

  it.each([
    ['other credentials', 'AKIAOTHER', KEY, 'AccessDeniedException'],
    ['a key that does not exist', ACCESS, 'alias/none', 'NotFoundException'],
  ])('%s: its own outcome with what the service said, no tag moves', async (_what, access, key, said) => {
    await using kms = await startKms(ACCESS);
    const { image, host, name } = job.fresh('api');
    const inputs = { sign: 'key', 'sign-key': `awskms:///${key}`, 'cosign-sha256': await sumOf('cosign') };
    const failed = await job.publish(image, inputs, kms.env(access));
    expect(failed.outputs.outcome, failed.log).toBe('signing-failed');
    expect(failed.log).toContain('SIGNING_KEY_UNUSABLE');
    expect(failed.log).toContain(said);
    expect(failed.log).not.toContain(SECRET);
    const { repositoryOf } = await connect({ host });
    expect(await repositoryOf(name).head('main')).toBeUndefined();
  });
});

/**
 * A plugin that signs with a key file: https://github.com/notaryproject/specifications/blob/main/specs/plugin-extensibility.md
 */
const PLUGIN = `#!/usr/bin/env node
const { constants, createPrivateKey, sign, X509Certificate } = require('node:crypto');
const { readFileSync } = require('node:fs');
const asked = JSON.parse(readFileSync(0, 'utf8') || '{}');
const folder = __dirname;
const answers = {
  'get-plugin-metadata': () => ({
    name: 'files', description: 'Signs with a file', version: '1.0.0', url: 'https://plugin.example',
    supportedContractVersions: ['1.0'], capabilities: ['SIGNATURE_GENERATOR.RAW'],
  }),
  'describe-key': () => ({ keyId: asked.keyId, keySpec: 'RSA-2048' }),
  'generate-signature': () => ({
    keyId: asked.keyId,
    signature: sign('sha256', Buffer.from(asked.payload, 'base64'), {
      key: createPrivateKey(readFileSync(folder + '/' + asked.keyId + '.key')),
      padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32,
    }).toString('base64'),
    signingAlgorithm: 'RSASSA-PSS-SHA-256',
    certificateChain: [new X509Certificate(readFileSync(folder + '/' + asked.keyId + '.crt')).raw.toString('base64')],
  }),
};
try {
  process.stdout.write(JSON.stringify(answers[process.argv[2]]()));
} catch (error) {
  process.stderr.write(JSON.stringify({ errorCode: 'ERROR', errorMessage: String(error.message) }));
  process.exit(1);
}
`;

describe('a plugin of notation signs', () => {
  async function createPlugin(): Promise<string> {
    const home = join(job.scene.directory, 'plugin-home');
    const folder = join(home, 'notation', 'plugins', 'files');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'notation-files'), PLUGIN, { mode: 0o755 });
    const made = join(job.scene.directory, 'plugin-keys');
    const env = { ...process.env, HOME: job.scene.directory, XDG_CONFIG_HOME: made };
    await run('notation', ['cert', 'generate-test', 'plugin.example'], { env });
    for (const end of ['key', 'crt']) {
      await cp(join(made, 'notation', 'localkeys', `plugin.example.${end}`), join(folder, `release.${end}`));
    }
    await cp(join(folder, 'release.crt'), into('stores/ca/plugin/release.crt'));
    return home;
  }

  it('verified by a strict trust policy; a key that it does not have is named', async () => {
    const home = await createPlugin();
    const { image } = job.fresh('api');
    const inputs = { sign: 'notation', 'notation-sha256': await sumOf('notation') };
    const published = await job.publish(
      image,
      { ...inputs, 'sign-key': 'plugin=files,id=release' },
      { XDG_CONFIG_HOME: home },
    );
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(published.log).toContain('the key release of files');
    const entry = {
      ...{ name: 'app', registryScopes: [image], signatureVerification: { level: 'strict' } },
      trustStores: ['ca:plugin'],
      trustedIdentities: ['x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=plugin.example'],
    };
    await writeFile(into('plugin-policy.json'), JSON.stringify({ version: '1.0', trustPolicies: [entry] }));
    const policy = { ...NONE, 'trust-policy': 'plugin-policy.json', 'trust-stores': 'stores' };
    await using verified = await job.verify(`${image}:main`, {
      ...policy,
      'notation-sha256': inputs['notation-sha256'],
    });
    expect(verified.outputs.outcome, verified.log).toBe('verified');

    const other = job.fresh('api').image;
    const failed = await job.publish(
      other,
      { ...inputs, 'sign-key': 'plugin=files,id=none' },
      { XDG_CONFIG_HOME: home },
    );
    expect(failed.outputs.outcome, failed.log).toBe('signing-failed');
    expect(failed.log).toMatch(/none\.(?:key|crt)/);
    const missing = await job.publish(
      other,
      { ...inputs, 'sign-key': 'plugin=absent,id=x' },
      { XDG_CONFIG_HOME: home },
    );
    expect(missing.outputs.outcome, missing.log).toBe('signing-failed');
    expect(missing.log).toContain('absent');
  });
});

/**
 * A self-signed certificate for signing code that ends at a time, with its key.
 * https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#certificate-requirements
 */
async function makeShortCertificate(end: Date): Promise<void> {
  const folder = join(job.scene.directory, 'short');
  await mkdir(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  await writeFile(
    at('ca.cnf'),
    [
      ...['[ca]', 'default_ca=own', '[own]', `database=${at('index')}`, `serial=${at('serial')}`],
      ...[`new_certs_dir=${folder}`, 'default_md=sha256', 'policy=any', 'x509_extensions=signing'],
      ...['[any]', ...['countryName', 'stateOrProvinceName'].map((field) => `${field}=optional`)],
      ...['organizationName=optional', 'commonName=supplied'],
      ...['[signing]', 'basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'],
      'extendedKeyUsage=codeSigning',
    ].join('\n'),
  );
  await writeFile(at('index'), '');
  await writeFile(at('serial'), '01');
  const env = { ...process.env, RANDFILE: at('random') };
  const subject = '/C=US/ST=WA/O=Notary/CN=short.example';
  await run(
    'openssl',
    [
      ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', into('short.key')],
      ...['-out', at('request'), '-subj', subject],
    ],
    { env },
  );
  const time = (date: Date) => `${date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
  await run(
    'openssl',
    [
      ...['ca', '-batch', '-selfsign', '-notext', '-config', at('ca.cnf'), '-keyfile', into('short.key')],
      ...['-in', at('request'), '-out', into('short.crt')],
      ...['-startdate', time(new Date(Date.now() - 60_000)), '-enddate', time(end)],
    ],
    { env },
  );
  await mkdir(into('stores/ca/short'), { recursive: true });
  await cp(into('short.crt'), into('stores/ca/short/short.crt'));
}

it('37: a Notary signature without a countersignature ends with its certificate', async () => {
  const end = new Date(Date.now() + 25_000);
  await makeShortCertificate(end);
  const { image } = job.fresh('fallback');
  const notationSha256 = { 'notation-sha256': await sumOf('notation') };
  const key = { 'sign-key': 'key=short.key,certificate=short.crt' };
  const published = await job.publish(image, { sign: 'notation', scan: 'off', ...key, ...notationSha256 }, {});
  expect(published.outputs.outcome, published.log).toBe('published');
  const entry = {
    ...{ name: 'app', registryScopes: [image], signatureVerification: { level: 'strict' } },
    ...{ trustStores: ['ca:short'], trustedIdentities: ['x509.subject: C=US, ST=WA, O=Notary, CN=short.example'] },
  };
  await writeFile(into('short-policy.json'), JSON.stringify({ version: '1.0', trustPolicies: [entry] }));
  await sleep(Math.max(end.getTime() + 2000 - Date.now(), 0));
  const policy = { ...NONE, 'trust-policy': 'short-policy.json', 'trust-stores': 'stores', ...notationSha256 };
  await using verified = await job.verify(`${image}:main`, policy);
  expect(verified.outputs.outcome, verified.log).toBe('unverified');
  expect(verified.log).toMatch(/expired|not valid/i);
});

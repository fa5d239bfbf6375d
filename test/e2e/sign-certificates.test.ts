import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_MEDIA_TYPE, PREDICATES } from '../../src/domain/trust/predicates.ts';
import { STATEMENT_MEDIA_TYPE, statementBytes } from '../../src/domain/trust/statement.ts';
import { attachBundles } from '../../src/evidence/attach-bundle.ts';
import { requestTimestamp } from '../../src/sigstore/timestamp.ts';
import { run } from './programs.ts';
import { useSigningJob } from './sigstore/job.ts';
import { IDENTITY, type SignedImage } from './sigstore/scene.ts';

const job = useSigningJob();
const OTHER = 'https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main';
const ISSUER = '1.3.6.1.4.1.57264.1.8';

beforeAll(async () => {
  // An authority of one's own may issue what Fulcio never does; without logs, its certificates need no entry there.
  const root: object = JSON.parse(await readFile(job.scene.sigstore.trustedRoot, 'utf8'));
  const text = JSON.stringify({ ...root, tlogs: [], ctlogs: [] });
  await writeFile(join(job.setting.repository.directory, 'without-logs.json'), text);
});

/** A certificate of the trusted authority with these extensions, and a bundle about the image that its key signed. */
async function bundleOf(
  image: SignedImage,
  names: string,
  extensions: readonly string[] = [],
  { authority = 'ca', days = 1 } = {},
): Promise<Buffer> {
  const { sigstore, directory, service } = job.scene;
  const folder = join(directory, `leaf-${process.hrtime.bigint()}`);
  await mkdir(folder);
  const at = (name: string) => join(folder, name);
  const ca = (name: string) => join(dirname(sigstore.trustedRoot), name);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(at('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const lines = [
    ...['keyUsage=critical,digitalSignature', 'extendedKeyUsage=codeSigning', `subjectAltName=critical,${names}`],
    ...[`${ISSUER}=ASN1:UTF8String:${sigstore.issuer.url}`, ...extensions],
  ];
  await writeFile(at('extensions'), lines.join('\n'));
  const { env } = process;
  await run('openssl', ['req', '-new', '-key', at('key.pem'), '-subj', '/', '-out', at('leaf.csr')], { env });
  await run(
    'openssl',
    [
      ...['x509', '-req', '-in', at('leaf.csr'), '-CA', ca(`${authority}.crt`), '-CAkey', ca(`${authority}.pem`)],
      ...['-passin', 'pass:loopback', '-days', String(days), '-extfile', at('extensions'), '-out', at('leaf.crt')],
    ],
    { env },
  );
  const payload = statementBytes({
    predicateType: PREDICATES.signature,
    subjects: [image.subject.digest],
    predicate: {},
  });
  const header = `DSSEv1 ${STATEMENT_MEDIA_TYPE.length} ${STATEMENT_MEDIA_TYPE} ${payload.length} `;
  const signature = sign('sha256', Buffer.concat([Buffer.from(header), payload]), privateKey);
  // A certificate of no days ends in the second in which it begins.
  if (days === 0) await sleep(1500);
  const timestamp = await requestTimestamp(service, `${sigstore.urls.tsa}/api/v1/timestamp`, signature);
  const certificate = new X509Certificate(await readFile(at('leaf.crt')));
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_MEDIA_TYPE,
      verificationMaterial: {
        certificate: { rawBytes: certificate.raw.toString('base64') },
        tlogEntries: [],
        timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp.toString('base64') }] },
      },
      dsseEnvelope: {
        payload: Buffer.from(payload).toString('base64'),
        payloadType: STATEMENT_MEDIA_TYPE,
        signatures: [{ sig: signature.toString('base64'), keyid: '' }],
      },
    }),
  );
}

async function verified(make: (image: SignedImage) => Promise<Buffer>, root = 'without-logs.json') {
  const image = await job.scene.image('api');
  const bytes = await make(image);
  const { subject, repository } = image;
  await attachBundles(repository, [{ bytes, predicateType: PREDICATES.signature, subject, created: new Date() }]);
  return job.verify(image.name, { 'trusted-root': root });
}

describe('a certificate of a trusted authority', () => {
  it('counts with one name, and the log names what was required as inputs do', async () => {
    await using good = await verified((image) => bundleOf(image, `URI:${IDENTITY}`));
    expect(good.outputs.outcome, good.log).toBe('verified');
    expect(good.log).toContain(`: signature: ${IDENTITY}`);
    expect(good.summary).toContain('<code>signature</code>');
    expect(good.log.replaceAll(/"json".*/g, '')).not.toContain(`: ${PREDICATES.signature}`);
  });

  it.each([
    ['the wanted name first', `URI:${IDENTITY},URI:${OTHER}`, 'its certificate names several identities'],
    ['the wanted name last', `URI:${OTHER},URI:${IDENTITY}`, 'its certificate names several identities'],
    ['a mail address besides', `email:me@evil.example,URI:${IDENTITY}`, 'its certificate names several identities'],
    ['a host besides', `URI:${IDENTITY},DNS:evil.example`, 'its certificate names several identities'],
    ['only the name of another', `URI:${OTHER}`, 'its identity is'],
    ['a name that ours begins', `URI:${IDENTITY}-evil`, 'its identity is'],
  ])('does not count with %s', async (_what, names, reason) => {
    await using refused = await verified((image) => bundleOf(image, names));
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain(reason);
  });
});

describe('a certificate that does not count', () => {
  it('29: was not valid when the timestamp authority saw the signature', async () => {
    await using refused = await verified((image) => bundleOf(image, `URI:${IDENTITY}`, [], { days: 0 }));
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toMatch(/not valid or expired|not issued by a trusted authority/);
  });

  it.each([
    ['of another form of name', `email:${IDENTITY.slice('https://'.length).replaceAll('/', '.')}`],
    ['that is a host', 'DNS:github.com'],
    ['that is an address', 'IP:127.0.0.1'],
  ])('has a name %s', async (_what, name) => {
    await using refused = await verified((image) => bundleOf(image, name));
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toMatch(/its identity is|names no identity/);
  });

  it.each([
    ['a letter of another alphabet', (url: string) => url.replace('p', '\u0440')],
    ['a slash at its end', (url: string) => `${url}/`],
    ['another port', (url: string) => `${url}0`],
  ])('has the right issuer, when the wanted one has %s', async (_what, change) => {
    const image = await job.scene.image('api');
    const bytes = await bundleOf(image, `URI:${IDENTITY}`);
    const { subject, repository } = image;
    await attachBundles(repository, [{ bytes, predicateType: PREDICATES.signature, subject, created: new Date() }]);
    const issuer = job.scene.sigstore.issuer.url;
    const inputs = { 'trusted-root': 'without-logs.json', 'signer-issuer': change(issuer) };
    await using refused = await job.verify(image.name, inputs);
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain(`its issuer is "${issuer}", expected`);
    // The runner keeps the line break at the end of a block.
    const right = { ...inputs, 'signer-issuer': `${issuer}\n`, 'signer-identity': `${IDENTITY}\n` };
    await using run = await job.verify(image.name, right);
    expect(run.outputs.outcome, run.log).toBe('verified');
  });

  it('36: was issued by an intermediate that the trusted root does not have, and counts once it has', async () => {
    const folder = dirname(job.scene.sigstore.trustedRoot);
    const at = (name: string) => join(folder, name);
    const { env } = process;
    await writeFile(
      at('intermediate.ext'),
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign',
    );
    const request = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/O=acme/CN=Intermediate', '-keyout', at('intermediate.pem')];
    await run('openssl', [...request, ...subject, '-out', at('intermediate.csr')], { env });
    await run(
      'openssl',
      [
        ...['x509', '-req', '-in', at('intermediate.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.pem')],
        ...[
          '-passin',
          'pass:loopback',
          '-days',
          '1',
          '-extfile',
          at('intermediate.ext'),
          '-out',
          at('intermediate.crt'),
        ],
      ],
      { env },
    );
    const make = (image: SignedImage) => bundleOf(image, `URI:${IDENTITY}`, [], { authority: 'intermediate' });
    await using refused = await verified(make);
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain('an intermediate must be in the trusted root');
    const workspace = job.setting.repository.directory;
    const root: RootFile = JSON.parse(await readFile(join(workspace, 'without-logs.json'), 'utf8'));
    const { raw } = new X509Certificate(await readFile(at('intermediate.crt')));
    for (const { certChain } of root.certificateAuthorities) {
      certChain.certificates.unshift({ rawBytes: raw.toString('base64') });
    }
    await writeFile(join(workspace, 'intermediate.json'), JSON.stringify(root));
    await using counts = await verified(make, 'intermediate.json');
    expect(counts.outputs.outcome, counts.log).toBe('verified');
  });
});

interface RootFile {
  readonly certificateAuthorities: readonly {
    readonly certChain: { readonly certificates: { readonly rawBytes: string }[] };
  }[];
}

describe('a bundle with a key of its JSON twice is refused', () => {
  // Some parsers take the first one and some the last, so that cosign could see another statement than was checked.
  const twice = (one: Buffer, other: Buffer) =>
    Buffer.from(`${one.toString().slice(0, -1)},${other.toString().slice(1)}`);

  it.each([
    ['the foreign one last', true],
    ['the genuine one last', false],
  ])('%s', async (_what, foreignLast) => {
    await using refused = await verified(async (image) => {
      const [genuine, foreign] = [await bundleOf(image, `URI:${IDENTITY}`), await bundleOf(image, `URI:${OTHER}`)];
      return foreignLast ? twice(genuine, foreign) : twice(foreign, genuine);
    });
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain('its JSON has the same key twice in one object');
  });

  it('halves of two bundles make none', async () => {
    await using refused = await verified(async (image) => {
      const genuine: object = JSON.parse((await bundleOf(image, `URI:${IDENTITY}`)).toString());
      const foreign: { dsseEnvelope: object } = JSON.parse((await bundleOf(image, `URI:${OTHER}`)).toString());
      return Buffer.from(JSON.stringify({ ...genuine, dsseEnvelope: foreign.dsseEnvelope }));
    });
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain('timestamp could not be verified');
  });
});

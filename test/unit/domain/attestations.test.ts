import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkAttestations } from '../../../src/domain/attestations.ts';
import { ActionErrors } from '../../../src/errors/action-error.ts';
import { requireAttestations } from '../../../src/oci/image/attestations.ts';
import { readLayout } from '../../../src/oci/image/layout.ts';
import { type Json, type LayoutSpec, type PlatformSpec, writeLayout } from '../../support/layout.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'attestations-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const ALL = { requireSbom: true, requireProvenance: true };
const NONE = { requireSbom: false, requireProvenance: false };

async function image(spec: Partial<LayoutSpec> = {}, arm64: Partial<PlatformSpec> = {}) {
  const layout = await writeLayout(join(root, 'layout'), {
    platforms: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64', ...arm64 }],
    ...spec,
  });
  return readLayout(layout.directory);
}

const ofArm64 =
  (change: (statement: Json) => Json, kinds = ['sbom']) =>
  (statement: Json, platform: string, kind: string): Json =>
    platform === 'linux/arm64' && kinds.includes(kind) ? change(statement) : statement;

const otherSubject = [{ name: 'pkg:docker/evil@1', digest: { sha256: 'e'.repeat(64) } }];

describe.each(['artifact', 'image'] as const)('attestations of the form "%s"', (attestations) => {
  test.each(['v0.1', 'v1'] as const)('statements of %s pass', async (statement) => {
    for (const provenance of ['v0.2', 'v1'] as const) {
      expect(checkAttestations(await image({ attestations, statement, provenance }), ALL)).toEqual([]);
    }
  });

  test.each<[string, Partial<LayoutSpec>, Partial<PlatformSpec>, string, RegExp]>([
    ['no SBOM', {}, { sbom: false }, 'SBOM_MISSING', /there is no SPDX SBOM/],
    ['an SBOM of nothing at all', {}, { sbom: [] }, 'SBOM_MISSING', /names no package/],
    [
      'an SBOM that is not SPDX',
      { change: { statement: ofArm64((s) => ({ ...s, predicate: { packages: [{}] } })) } },
      {},
      'SBOM_MISSING',
      /names no package/,
    ],
    ['no provenance', {}, { provenance: false }, 'PROVENANCE_MISSING', /no SLSA provenance/],
    [
      'an SBOM about another digest',
      { change: { statement: ofArm64((s) => ({ ...s, subject: otherSubject })) } },
      {},
      'ATTESTATION_MISMATCH',
      /describes pkg:docker\/evil@1 \(e{64}\)/,
    ],
    [
      'a provenance with one foreign subject among its own',
      {
        change: {
          statement: ofArm64(
            (s) => ({ ...s, subject: [...(Array.isArray(s.subject) ? s.subject : []), ...otherSubject] }),
            ['provenance'],
          ),
        },
      },
      {},
      'ATTESTATION_MISMATCH',
      /describes pkg:docker\/evil@1/,
    ],
    [
      'a subject without a digest',
      { change: { statement: ofArm64((s) => ({ ...s, subject: [{ name: 'x', digest: {} }] })) } },
      {},
      'ATTESTATION_MISMATCH',
      /no digest/,
    ],
    [
      'statements without a subject',
      { change: { statement: ofArm64((s) => ({ ...s, subject: [] })) } },
      {},
      'ATTESTATION_MISMATCH',
      /no subject/,
    ],
    [
      'a statement that is announced as something else',
      { change: { statement: ofArm64((s) => ({ ...s, predicateType: 'https://example.com/x' })) } },
      {},
      'ATTESTATION_MISMATCH',
      /announced as https:\/\/spdx\.dev\/Document/,
    ],
    [
      'two provenances',
      {
        change: {
          attestation: (m, platform) =>
            platform === 'linux/arm64' && Array.isArray(m.layers) ? { ...m, layers: [...m.layers, m.layers[1]] } : m,
        },
      },
      {},
      'ATTESTATION_MISMATCH',
      /2 provenances/,
    ],
  ])('linux/arm64 with %s is named', async (_name, spec, arm64, code, message) => {
    const problems = checkAttestations(await image({ attestations, ...spec }, arm64), ALL);
    expect(problems).toContainEqual({ code, platform: 'linux/arm64', message: expect.stringMatching(message) });
    expect(problems.filter(({ platform }) => platform === 'linux/amd64')).toEqual([]);
  });

  test('what is not required may be missing, but a foreign statement is never allowed', async () => {
    const spec = { attestations, names: [] };
    expect(checkAttestations(await image(spec, { sbom: false }), NONE)).toEqual([]);
    const foreign = await image({ attestations, change: { statement: (s) => ({ ...s, subject: otherSubject }) } });
    expect(checkAttestations(foreign, NONE)).toHaveLength(4);
  });
});

test('an image without attestations misses both, for each platform, in one error', async () => {
  const bare = await image({ attestations: 'none' });
  expect(checkAttestations(bare, NONE)).toEqual([]);
  let thrown: unknown;
  try {
    requireAttestations(bare, ALL);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ActionErrors);
  const errors = thrown instanceof ActionErrors ? thrown.errors : [];
  expect(errors.map(({ code, facts }) => `${code} ${facts.platform}`)).toEqual([
    'SBOM_MISSING linux/amd64',
    'PROVENANCE_MISSING linux/amd64',
    'SBOM_MISSING linux/arm64',
    'PROVENANCE_MISSING linux/arm64',
  ]);
});

test('an attestation manifest that refers to no image of the index', async () => {
  const foreign = `sha256:${'d'.repeat(64)}`;
  const astray = await image({
    change: {
      index: (index) => ({
        ...index,
        manifests: (Array.isArray(index.manifests) ? index.manifests : []).map((each: Json, at) =>
          at === 3
            ? { ...each, annotations: { ...Object(each.annotations), 'vnd.docker.reference.digest': foreign } }
            : each,
        ),
      }),
    },
  });
  const problems = checkAttestations(astray, ALL);
  expect(problems.map(({ code, platform }) => [code, platform])).toEqual([
    ['ATTESTATION_MISMATCH', undefined],
    ['SBOM_MISSING', 'linux/arm64'],
    ['PROVENANCE_MISSING', 'linux/arm64'],
  ]);
});

test('an attestation manifest whose subject is another platform than its reference', async () => {
  const other = await image({
    change: {
      attestation: (m) => ({
        ...m,
        subject: {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest: `sha256:${'c'.repeat(64)}`,
          size: 1,
        },
      }),
    },
  });
  expect(checkAttestations(other, NONE).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^linux\/amd64 .* has the subject sha256:c{64}/),
    expect.stringMatching(/^linux\/arm64 .* has the subject sha256:c{64}/),
  ]);
});

test('two attestation manifests for one platform', async () => {
  const twice = await image({
    change: {
      index: (index) => {
        const manifests: Json[] = Array.isArray(index.manifests) ? index.manifests : [];
        const annotations = manifests[2]?.annotations;
        return { ...index, manifests: manifests.map((each, at) => (at === 3 ? { ...each, annotations } : each)) };
      },
    },
  });
  expect(checkAttestations(twice, NONE).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^linux\/amd64 .* 2 attestation manifests/),
  );
});

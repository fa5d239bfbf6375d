import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import type { Json, LayoutSpec } from '../../support/layout.ts';
import { createStages } from './stages.ts';

const [AMD, ARM] = [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] as const;
const BOTH: LayoutSpec = { platforms: [AMD, ARM] };
const COMMIT = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);

/** A provenance with the source that buildx writes into it. */
function from(source: string, revision: string) {
  return (statement: Json, _platform: string, kind: string): Json => {
    if (kind !== 'provenance') return statement;
    const predicate = fieldsOf(statement.predicate);
    const details = fieldsOf(predicate.runDetails);
    const metadata = { ...fieldsOf(details.metadata), buildkit_metadata: { vcs: { source, revision } } };
    return { ...statement, predicate: { ...predicate, runDetails: { ...details, metadata } } };
  };
}

describe('platforms', () => {
  test('all that are asked for have to be there', async () => {
    await using environments = await createStages();
    await environments.layout(BOTH);
    await environments.passes('platforms=linux/amd64,linux/arm64');
    await environments.passes('platforms=linux/arm64/v8');
    const reason = 'the image has linux/amd64, linux/arm64, and not linux/arm/v7';
    await environments.refuses('platforms=linux/amd64,linux/arm/v7', ['platforms=linux/amd64,linux/arm/v7', reason]);
  });

  test('an image that is no index has the platform of its config', async () => {
    await using environments = await createStages();
    await environments.layout({ platforms: [AMD], shape: 'manifest' });
    await environments.passes('platforms=linux/amd64');
    await environments.refuses('platforms=linux/arm64', ['platforms=linux/arm64', 'and not linux/arm64']);
  });

  test('two lines add up', async () => {
    await using environments = await createStages();
    await environments.layout({ platforms: [AMD] });
    await environments.refuses('platforms=linux/amd64\nplatforms=linux/arm64', ['and not linux/arm64']);
  });
});

describe('sbom', () => {
  test.each([
    ['of BuildKit 0.32', 'artifact'],
    ['of older BuildKits', 'image'],
  ] as const)('on every platform: the form %s', async (_, attestations) => {
    await using environments = await createStages();
    await environments.layout({ ...BOTH, attestations });
    await environments.passes('sbom');
    await environments.layout({ platforms: [AMD, { ...ARM, sbom: false }], attestations });
    await environments.refuses('sbom', ['sbom: linux/arm64: there is no SBOM.']);
    await environments.layout({ platforms: [AMD, { ...ARM, sbom: [] }], attestations });
    await environments.refuses('sbom', ['sbom: linux/arm64: its SBOM names no package at all']);
  });

  test('without any attestation, and as a referrer that nobody has tied to a platform', async () => {
    await using environments = await createStages();
    const root = await environments.layout({ ...BOTH, attestations: 'none' });
    environments.source.referrer(root, 'an SBOM of its own');
    await environments.refuses('sbom', ['sbom: ', 'there is no SBOM']);
    await environments.refuses('provenance', ['provenance: ', 'there is no provenance']);
  });

  test('that speaks of another image is no evidence', async () => {
    await using environments = await createStages();
    const subject = [{ name: 'app', digest: { sha256: 'f'.repeat(64) } }];
    await environments.layout({ ...BOTH, change: { statement: (each) => ({ ...each, subject }) } });
    for (const each of ['sbom', 'provenance']) await environments.fails('ATTESTATION_MISMATCH', each);
    await environments.layout({ ...BOTH, change: { statement: (each) => ({ ...each, subject: [] }) } });
    for (const each of ['sbom', 'provenance']) await environments.refuses(each, [`${each}: linux/amd64: there is no `]);
  });
});

describe('provenance', () => {
  test('on every platform', async () => {
    await using environments = await createStages();
    await environments.layout(BOTH);
    await environments.passes('provenance');
    await environments.layout({ platforms: [AMD, { ...ARM, provenance: false }] });
    await environments.refuses('provenance', ['provenance: linux/arm64: there is no provenance.']);
  });

  test('builder: in full, or its beginning', async () => {
    await using environments = await createStages();
    const builder = 'https://github.com/org/app/actions/runs/7/attempts/1';
    await environments.layout({ ...BOTH, builderId: builder });
    await environments.passes(`provenance,builder=${builder}`);
    await environments.passes('provenance,builder=https://github.com/org/app/actions/runs/*');
    for (const wrong of ['https://github.com/org/app', 'https://github.com/evil/*', `${builder}0`]) {
      const words = [`provenance,builder=${wrong}: `, `linux/arm64: its provenance has the builder`, builder];
      await environments.refuses(`provenance,builder=${wrong}`, words);
    }
  });

  test('repository and commit', async () => {
    await using environments = await createStages();
    await environments.layout({ ...BOTH, change: { statement: from('https://github.com/org/app.git', COMMIT) } });
    for (const right of ['org/app', 'https://github.com/org/app', 'Org/App']) {
      await environments.passes(`provenance,repository=${right}`);
    }
    await environments.passes(`provenance,commit=${COMMIT}`);
    await environments.passes(`provenance,repository=org/app,commit=${COMMIT.toUpperCase()}`);
    for (const wrong of ['org/other', 'https://gitlab.com/org/app', 'evil/app']) {
      const words = [`provenance,repository=${wrong}: `, 'has the repository "https://github.com/org/app.git"'];
      await environments.refuses(`provenance,repository=${wrong}`, words);
    }
    await environments.refuses(`provenance,commit=${OTHER}`, [
      `provenance,commit=${OTHER}: `,
      `has the commit "${COMMIT}"`,
    ]);
    // What is right beside it does not make it better.
    await environments.refuses(`provenance,repository=org/app,commit=${OTHER}`, [`has the commit "${COMMIT}"`]);
  });

  test('of only one platform that is wrong', async () => {
    await using environments = await createStages();
    const [good, bad] = [from('org/app', COMMIT), from('org/app', OTHER)];
    await environments.layout({
      ...BOTH,
      change: { statement: (each, on, kind) => (on === 'linux/arm64' ? bad : good)(each, on, kind) },
    });
    const run = await environments.refuses(`provenance,commit=${COMMIT}`, [
      'linux/arm64: its provenance has the commit',
    ]);
    expect(run.annotations[0]?.message).not.toContain('linux/amd64');
  });

  test('that names neither repository nor commit', async () => {
    await using environments = await createStages();
    await environments.layout(BOTH);
    await environments.refuses('provenance,repository=org/app', ['names no repository']);
    await environments.refuses(`provenance,commit=${COMMIT}`, ['names no commit']);
  });
});

describe('signature', () => {
  test('is never met, also when the registry holds what looks like one', async () => {
    await using environments = await createStages();
    const root = await environments.layout({ ...BOTH, attestations: 'none' });
    const reason = 'signature: no signer is named';
    await environments.refuses('signature', [reason]);
    environments.source.referrer(root, 'signature', { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' });
    environments.source.cosign('sig', `${root.descriptor.digest.replace(':', '-')}.sig`);
    await environments.refuses('signature', [reason]);
    await environments.refuses('platforms=linux/amd64\nsignature', [reason]);
    // The same without it passes.
    await environments.passes('');
  });
});

test('all that is not met is told at once, and what is met beside it changes nothing', async () => {
  await using environments = await createStages();
  await environments.layout({ platforms: [{ ...AMD, sbom: false }] });
  const run = await environments.refuses('platforms=linux/amd64\nplatforms=linux/arm64\nsbom\nprovenance\nsignature', [
    'and not linux/arm64',
    'sbom: linux/amd64: there is no SBOM',
    'signature: ',
  ]);
  expect(run.log).toMatch(/met {6}provenance: /);
});

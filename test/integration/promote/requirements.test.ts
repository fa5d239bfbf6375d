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
    await using stages = await createStages();
    await stages.layout(BOTH);
    await stages.passes('platforms=linux/amd64,linux/arm64');
    await stages.passes('platforms=linux/arm64/v8');
    const reason = 'the image holds linux/amd64, linux/arm64, and not linux/arm/v7';
    await stages.refuses('platforms=linux/amd64,linux/arm/v7', ['platforms=linux/amd64,linux/arm/v7', reason]);
  });

  test('an image that is no index has the platform of its config', async () => {
    await using stages = await createStages();
    await stages.layout({ platforms: [AMD], shape: 'manifest' });
    await stages.passes('platforms=linux/amd64');
    await stages.refuses('platforms=linux/arm64', ['platforms=linux/arm64', 'and not linux/arm64']);
  });

  test('two lines add up', async () => {
    await using stages = await createStages();
    await stages.layout({ platforms: [AMD] });
    await stages.refuses('platforms=linux/amd64\nplatforms=linux/arm64', ['and not linux/arm64']);
  });
});

describe('sbom', () => {
  test.each([
    ['of BuildKit 0.32', 'artifact'],
    ['of older BuildKits', 'image'],
  ] as const)('on every platform: the form %s', async (_, attestations) => {
    await using stages = await createStages();
    await stages.layout({ ...BOTH, attestations });
    await stages.passes('sbom');
    await stages.layout({ platforms: [AMD, { ...ARM, sbom: false }], attestations });
    await stages.refuses('sbom', ['sbom: linux/arm64: there is no SBOM.']);
    await stages.layout({ platforms: [AMD, { ...ARM, sbom: [] }], attestations });
    await stages.refuses('sbom', ['sbom: linux/arm64: its SBOM names no package at all']);
  });

  test('without any attestation, and as a referrer that nobody has tied to a platform', async () => {
    await using stages = await createStages();
    const root = await stages.layout({ ...BOTH, attestations: 'none' });
    stages.source.referrer(root, 'an SBOM of its own');
    await stages.refuses('sbom', ['sbom: ', 'there is no SBOM']);
    await stages.refuses('provenance', ['provenance: ', 'there is no provenance']);
  });

  test('that speaks of another image is no evidence', async () => {
    await using stages = await createStages();
    const subject = [{ name: 'app', digest: { sha256: 'f'.repeat(64) } }];
    await stages.layout({ ...BOTH, change: { statement: (each) => ({ ...each, subject }) } });
    for (const each of ['sbom', 'provenance']) await stages.fails('ATTESTATION_MISMATCH', each);
    await stages.layout({ ...BOTH, change: { statement: (each) => ({ ...each, subject: [] }) } });
    for (const each of ['sbom', 'provenance']) await stages.refuses(each, [`${each}: linux/amd64: there is no `]);
  });
});

describe('provenance', () => {
  test('on every platform', async () => {
    await using stages = await createStages();
    await stages.layout(BOTH);
    await stages.passes('provenance');
    await stages.layout({ platforms: [AMD, { ...ARM, provenance: false }] });
    await stages.refuses('provenance', ['provenance: linux/arm64: there is no provenance.']);
  });

  test('builder: in full, or its beginning', async () => {
    await using stages = await createStages();
    const builder = 'https://github.com/org/app/actions/runs/7/attempts/1';
    await stages.layout({ ...BOTH, builderId: builder });
    await stages.passes(`provenance,builder=${builder}`);
    await stages.passes('provenance,builder=https://github.com/org/app/actions/runs/*');
    for (const wrong of ['https://github.com/org/app', 'https://github.com/evil/*', `${builder}0`]) {
      const words = [`provenance,builder=${wrong}: `, `linux/arm64: its provenance has the builder`, builder];
      await stages.refuses(`provenance,builder=${wrong}`, words);
    }
  });

  test('repository and commit', async () => {
    await using stages = await createStages();
    await stages.layout({ ...BOTH, change: { statement: from('https://github.com/org/app.git', COMMIT) } });
    for (const right of ['org/app', 'https://github.com/org/app', 'Org/App']) {
      await stages.passes(`provenance,repository=${right}`);
    }
    await stages.passes(`provenance,commit=${COMMIT}`);
    await stages.passes(`provenance,repository=org/app,commit=${COMMIT.toUpperCase()}`);
    for (const wrong of ['org/other', 'https://gitlab.com/org/app', 'evil/app']) {
      const words = [`provenance,repository=${wrong}: `, 'has the repository "https://github.com/org/app.git"'];
      await stages.refuses(`provenance,repository=${wrong}`, words);
    }
    await stages.refuses(`provenance,commit=${OTHER}`, [`provenance,commit=${OTHER}: `, `has the commit "${COMMIT}"`]);
    // What is right beside it does not make it better.
    await stages.refuses(`provenance,repository=org/app,commit=${OTHER}`, [`has the commit "${COMMIT}"`]);
  });

  test('of only one platform that is wrong', async () => {
    await using stages = await createStages();
    const [good, bad] = [from('org/app', COMMIT), from('org/app', OTHER)];
    await stages.layout({
      ...BOTH,
      change: { statement: (each, on, kind) => (on === 'linux/arm64' ? bad : good)(each, on, kind) },
    });
    const run = await stages.refuses(`provenance,commit=${COMMIT}`, ['linux/arm64: its provenance has the commit']);
    expect(run.annotations[0]?.message).not.toContain('linux/amd64');
  });

  test('that names neither repository nor commit', async () => {
    await using stages = await createStages();
    await stages.layout(BOTH);
    await stages.refuses('provenance,repository=org/app', ['names no repository']);
    await stages.refuses(`provenance,commit=${COMMIT}`, ['names no commit']);
  });
});

describe('signature', () => {
  test('is never met, also when the registry holds what looks like one', async () => {
    await using stages = await createStages();
    const root = await stages.layout({ ...BOTH, attestations: 'none' });
    const reason = 'signature: signatures cannot be checked by this version of the action';
    await stages.refuses('signature', [reason]);
    stages.source.referrer(root, 'signature', { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' });
    stages.source.cosign('sig', `${root.descriptor.digest.replace(':', '-')}.sig`);
    await stages.refuses('signature', [reason]);
    await stages.refuses('platforms=linux/amd64\nsignature', [reason]);
    // The same without it passes.
    await stages.passes('');
  });
});

test('all that is not met is told at once, and what is met beside it changes nothing', async () => {
  await using stages = await createStages();
  await stages.layout({ platforms: [{ ...AMD, sbom: false }] });
  const run = await stages.refuses('platforms=linux/amd64\nplatforms=linux/arm64\nsbom\nprovenance\nsignature', [
    'and not linux/arm64',
    'sbom: linux/amd64: there is no SBOM',
    'signature: ',
  ]);
  expect(run.log).toMatch(/met {6}provenance: /);
});

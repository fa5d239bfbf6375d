import { describe, expect, test } from 'vitest';
import {
  json as publishJson,
  outputs as renderOutputs,
  summary as renderSummary,
} from '../../../../src/commands/publish/program.ts';
import type { PublishResult, TargetFacts } from '../../../../src/commands/publish/result.ts';
import { ActionError } from '../../../../src/errors/action-error.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const decision = { image: 'ghcr.io/org/app', kind: 'moving', reason: 'moves: first of its line' } as const;

const published: PublishResult = {
  outcome: 'published',
  errors: [],
  warnings: ['`scan: off`: nobody has looked'],
  commit: {
    sha: 'b'.repeat(40),
    ref: 'refs/heads/a|b<script>',
    repositoryUrl: 'https://github.com/org/app',
    runUrl: 'https://github.com/org/app/actions/runs/1',
  },
  tags: ['ghcr.io/org/app:main'],
  tagNames: ['main'],
  version: 'main',
  labels: { 'org.opencontainers.image.title': 'app' },
  annotations: [],
  image: {
    digest,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    origin: 'docker buildx',
    platforms: [{ name: 'linux/amd64', digest, bytes: 1536, layers: 2, sbomPackages: 7, provenance: true }],
  },
  scan: 'off',
  targets: [
    {
      image: 'ghcr.io/org/app',
      host: 'ghcr.io',
      decisions: [
        { ...decision, tag: 'main', action: 'create' },
        { ...decision, tag: 'old', action: 'leave', reason: 'stays: newer' },
      ],
      written: ['main'],
      uploaded: { blobs: 3, bytes: 2048, present: 1, manifests: 1 },
    },
  ],
  steps: [{ name: 'Build', milliseconds: 1500 }],
};

describe('the summary', () => {
  test('shows what was built, what moved or stayed and why, and each registry', () => {
    const summary = renderSummary(published);
    expect(summary).toMatch(/^## ✅ Published org\/app:main \(aaaaaaaaaaaa\)\n/);
    expect(summary).toMatch(/linux\/amd64 .*1\.5 KiB \| 2 \| 7 packages \| ✓/);
    expect(summary).toMatch(/app:main<\/code> \| moving \| 🆕&nbsp;created/);
    expect(summary).toMatch(/app:old<\/code> \| moving \| ⏸️&nbsp;left \|.*newer/);
    expect(summary).toMatch(/✅ published \| 3 blobs, 2\.0 KiB \(1 already present\)/);
    expect(summary).toContain('<code>scan: off</code>: nobody has looked');
  });

  test('a branch name cannot put markup into it', () => {
    expect(renderSummary(published)).not.toMatch(/<script>|\| b</);
  });

  test('a planned tag is not called written', () => {
    const planned = {
      ...published,
      outcome: 'planned',
      targets: published.targets.map((target) => ({ ...target, written: [] })),
    } as const;
    expect(renderSummary(planned)).toMatch(/app:main<\/code> \| moving \| 🆕&nbsp;to&nbsp;create/);
  });

  test.each([
    ['conflict', 'create', '⛔ conflict'],
    ['leave', 'keep', '✅ in place'],
    ['leave', 'leave', '⏸️ tags left as they are'],
  ] as const)('a repository whose tags are %s and %s and were not written', (one, other, says) => {
    const decisions = [
      { ...decision, tag: 'main', action: one },
      { ...decision, tag: 'old', action: other },
    ];
    const targets = [{ image: 'ghcr.io/org/app', host: 'ghcr.io', decisions, written: [] }];
    const results = renderSummary({ ...published, targets }).split('### Registries')[1];
    expect(results).toContain(`| <code>ghcr.io/org/app</code> | ${says} |`);
  });

  test('a failed run names the image and what it left, instead of what its outcome means in general', () => {
    const error = new ActionError('REGISTRY_UNREACHABLE', 'no');
    const [target] = published.targets;
    if (target === undefined) throw new Error('there is one');
    const { uploaded: _uploaded, ...idle } = { ...target, written: [] };
    const lost = renderSummary({ ...published, outcome: 'registry-failed', errors: [error], targets: [idle] });
    expect(lost).toMatch(/^## ❌ Publishing failed: org\/app:main \(aaaaaaaaaaaa\)\n\nNothing was published\.\n/);
    expect(lost).toContain('| moving | ⛔&nbsp;not&nbsp;written |');
    expect(lost).not.toContain('### Registries');
  });

  test('a tag of which the same became in several repositories has one row, and no column is empty', () => {
    const targets = ['ghcr.io', 'quay.io'].map((host) => ({
      image: `${host}/org/app`,
      host,
      decisions: [{ ...decision, tag: 'main', action: 'create' as const, reason: 'new' }],
      written: ['main'],
      uploaded: { blobs: 1, bytes: 1, present: 0, manifests: 1 },
    }));
    const tags = renderSummary({ ...published, targets })
      .split('### Tags\n\n')[1]
      ?.split('\n\n')[0];
    expect(tags?.split('\n')).toEqual([
      '| tag | kind | result |',
      '| --- | --- | --- |',
      '| <code>ghcr.io/org/app:main</code><br><code>quay.io/org/app:main</code> | moving | 🆕&nbsp;created |',
    ]);
  });

  test('findings are listed once: the error has their number, the table the rest', () => {
    const error = new ActionError('FINDINGS', '1 finding blocks this image:\n- linux/amd64: HIGH X in app/key.pem');
    const counts = { CRITICAL: 0, HIGH: 1, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };
    const gated = [
      { class: 'secret', platform: 'linux/amd64', id: 'X', severity: 'HIGH', target: 'app/key.pem', title: 'A key' },
    ] as const;
    const gateResult = {
      ...{
        passed: false,
        gated,
        others: [],
        suppressed: [],
        notes: ['not searched'],
        warnings: [],
        today: '2026-12-31',
      },
      counts: { total: counts, platforms: { 'linux/amd64': counts } },
      platforms: [{ platform: 'linux/amd64', digest, counts, gated: 1, packages: 0 }],
    };
    const summary = renderSummary({ ...published, outcome: 'findings', scan: 'gate', errors: [error], gateResult });
    expect(summary).toContain('> 1 finding blocks this image.\n');
    expect(summary).not.toContain('HIGH X in app/key.pem');
    expect(summary).toContain('| platform | system | packages | 🟧&nbsp;high | blocking |');
    expect(summary).toContain('<summary>Notes (1)</summary>');
  });

  test('a source is read before the registries are asked, and drawn so', () => {
    const steps = [
      { name: 'Source', milliseconds: 1 },
      { name: 'Pre-flight', milliseconds: 1, failed: true as const },
    ];
    const errors = [new ActionError('REGISTRY_UNREACHABLE', 'no')];
    const summary = renderSummary({ ...published, outcome: 'registry-failed', errors, steps, targets: [] });
    expect(summary).toContain('  commit --> build --> preflight --> gate --> push --> tags\n');
  });

  test('what was published before is not called a build', () => {
    const earlier = { digest, mediaType: '', origin: 'read from the registry, not built by this run', platforms: [] };
    const summary = renderSummary({ ...published, outcome: 'unchanged', image: earlier });
    expect(summary).toContain('build["✓ published before"]');
    expect(summary).not.toMatch(/\n{3}/);
    expect(renderSummary(published)).toContain('build["✓ build"]');
  });

  test('a secret is shown by what it is and where, and the last day of an entry as one day', () => {
    const counts = { CRITICAL: 0, HIGH: 1, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };
    const key = {
      class: 'secret',
      platform: 'linux/amd64',
      id: 'private-key',
      severity: 'HIGH',
      target: 'app/key.pem',
      title: 'Asymmetric Private Key',
      path: 'app/key.pem',
      line: 2,
    } as const;
    const gateResult = {
      passed: false,
      gated: [key],
      others: [],
      suppressed: [{ finding: key, by: 'ignorefile', reason: 'a test', expires: '2027-01-01', daysLeft: 1 }],
      counts: { total: counts, platforms: { 'linux/amd64': counts } },
      platforms: [{ platform: 'linux/amd64', digest, counts, gated: 1, packages: 0 }],
      notes: [],
      warnings: [],
      today: '2026-12-31',
    } as const;
    const summary = renderSummary({ ...published, scan: 'gate', gateResult });
    expect(summary).toContain('| private-key | Asymmetric Private Key<br><code>app/key.pem:2</code> | linux/amd64 |');
    expect(summary).toContain('2027-01-01 (1 day) |');
  });

  const registry = (name: string) => ({ ...published.targets[0], image: `${name}/org/app`, host: name });
  const went = (...names: readonly string[]) => names.map((name) => ({ name, milliseconds: 1 }));
  const states = (record: PublishResult) =>
    [...renderSummary(record).matchAll(/^ {2}(\w+)\["[^"]*"\]:::(\w+)$/gm)].map(([, id, state]) => `${id} ${state}`);

  test('the registry whose tag was held back does not say that it is published', () => {
    const error = new ActionError('DENIED', 'no');
    const decisions: TargetFacts['decisions'] = [
      { ...decision, image: 'a/org/app', tag: 'sha-abc1234', kind: 'commit' as const, action: 'create' as const },
      { ...decision, image: 'a/org/app', tag: 'main', action: 'move' as const, from: digest },
    ];
    const uploaded = { blobs: 3, bytes: 2048, present: 1, manifests: 1 };
    const targets: readonly TargetFacts[] = [
      { image: 'ghcr.io/org/app', host: 'ghcr.io', decisions, written: ['sha-abc1234'], uploaded },
      { image: 'quay.io/org/app', host: 'quay.io', decisions, written: [], uploaded, error },
    ];
    const steps = [
      ...went('Tags and labels', 'Pre-flight', 'Build', 'Gate'),
      { name: 'Push', milliseconds: 1, failed: true as const },
    ];
    const record: PublishResult = { ...published, outcome: 'registry-failed', errors: [error], targets, steps };
    const summary = renderSummary(record);
    expect(summary).toContain(
      '⏸️ <code>sha-abc1234</code> written; <code>main</code> held back because <code>quay.io/org/app</code> failed; a re-run finishes',
    );
    expect(summary).toContain(
      '**Partial:** the image is in 2 of 2 repositories, tags were written in 1 of 2 repositories.',
    );
    expect(summary).not.toContain('✅');
    expect(states(record).slice(-2)).toEqual(['push done', 'tags failed']);
  });

  test.each([
    [
      'a registry that is not there',
      'registry-failed',
      ['Tags and labels'],
      'Pre-flight',
      ['commit done', 'preflight failed', 'build skipped', 'gate skipped', 'push skipped', 'tags skipped'],
    ],
    [
      'a build that failed',
      'build-failed',
      ['Tags and labels', 'Pre-flight'],
      'Build',
      ['commit done', 'preflight done', 'build failed', 'gate skipped', 'push skipped', 'tags skipped'],
    ],
    [
      'a scanner that failed',
      'scanner-failed',
      ['Tags and labels', 'Pre-flight', 'Build'],
      'Gate',
      ['commit done', 'preflight done', 'build done', 'gate failed', 'push skipped', 'tags skipped'],
    ],
  ] as const)('%s is red where it failed', (_, outcome, done, failing, expected) => {
    const { image: _image, gateResult: _verdict, ...rest } = published;
    const steps = [...went(...done), { name: failing, milliseconds: 1, failed: true as const }];
    const errors = [new ActionError('REGISTRY_UNREACHABLE', 'no')];
    expect(states({ ...rest, outcome, errors, steps, scan: 'gate', targets: [] })).toEqual(expected);
  });

  test('an immutable tag that is in the way is red at the pre-flight, which found it', () => {
    const { image: _image, ...rest } = published;
    const errors = [new ActionError('TAG_IMMUTABLE', 'no')];
    const record = {
      ...rest,
      outcome: 'tag-conflict',
      errors,
      steps: went('Tags and labels', 'Pre-flight'),
      targets: [],
    } as const;
    expect(states(record).slice(0, 3)).toEqual(['commit done', 'preflight failed', 'build skipped']);
  });

  test('begins with how to pull exactly this image', () => {
    const summary = renderSummary({
      ...published,
      targets: [registry('ghcr.io'), registry('quay.io')].map((target) => ({
        ...published.targets[0],
        ...target,
        decisions: [],
        written: ['main'],
        uploaded: { blobs: 1, bytes: 1, present: 0, manifests: 1 },
      })),
    });
    expect(summary).toContain(
      `\`\`\`sh\ndocker pull ghcr.io/org/app@${digest}\ndocker pull quay.io/org/app@${digest}\n\`\`\``,
    );
  });

  test('a plan without a registry names the tags and the labels', () => {
    const { image: _image, ...rest } = published;
    const summary = renderSummary({ ...rest, outcome: 'planned', targets: [] });
    expect(summary).toContain('- <code>ghcr.io/org/app:main</code>');
    expect(summary).toContain('| <code>org.opencontainers.image.title</code> | app |');
  });

  test('an error comes with its title, a link, and the steps of its remedy', () => {
    const error = new ActionError('TAG_IMMUTABLE', 'ghcr.io/org/app:1.2.3 is there as something else');
    const { image: _image, ...rest } = published;
    const summary = renderSummary({ ...rest, outcome: 'tag-conflict', errors: [error], targets: [] });
    expect(summary).toMatch(/## ❌ Tag conflict: org\/app:main/);
    expect(summary).toMatch(/\[TAG_IMMUTABLE\]\(.*docs\/errors\.md#tag_immutable\)/);
    expect(summary).toMatch(/> 1\. Publish under a new version/);
  });
});

describe('the outputs', () => {
  test('hold the digest and a repository without its host', () => {
    expect(renderOutputs(published)).toMatchObject({
      outcome: 'published',
      digest,
      image: `ghcr.io/org/app@${digest}`,
      repository: 'org/app',
      tags: 'ghcr.io/org/app:main',
    });
  });

  test('`json` tells an error with code, message and remedy', () => {
    const error = new ActionError('DENIED', 'no', { facts: { registry: 'ghcr.io', status: 403 } });
    const json = JSON.parse(JSON.stringify(publishJson({ ...published, outcome: 'registry-failed', errors: [error] })));
    expect(json).toMatchObject({
      schemaVersion: 1,
      errors: [{ code: 'DENIED', message: 'no', facts: { registry: 'ghcr.io', status: 403 } }],
    });
    expect(json.errors[0].remedy.length).toBeGreaterThan(0);
  });
});

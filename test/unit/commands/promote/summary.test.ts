import { describe, expect, test } from 'vitest';
import { promotionJson, renderPromotionOutputs } from '../../../../src/commands/promote/outputs.ts';
import type { PromotionResult } from '../../../../src/commands/promote/result.ts';
import { renderPromotionSummary } from '../../../../src/commands/promote/summary.ts';
import { readHistory } from '../../../../src/domain/promotion/history.ts';
import type { PromotionRecord } from '../../../../src/domain/promotion/record.ts';
import { ActionError } from '../../../../src/errors/action-error.ts';
import { storedWith } from '../../../support/promotion-record.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const B = `sha256:${'b'.repeat(64)}` as const;
const image = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/org/app';

const record = (more: Partial<PromotionRecord>) =>
  storedWith({ digest: A, from: `${image}:sha-abc1234`, to: [`${image}:staging`], ...more });

const promoted: PromotionResult = {
  outcome: 'promoted',
  errors: [],
  warnings: [],
  steps: [],
  kind: 'promotion',
  environment: 'production',
  from: `${image}:staging`,
  image: { digest: A, mediaType: 'application/vnd.oci.image.index.v1+json', version: '1.2.3' },
  run: { actor: 'octocat', event: 'push', url: 'https://github.com/org/app/actions/runs/2/attempts/1' },
  requirements: [{ name: 'deployed=staging', met: true, detail: 'staging holds it now' }],
  targets: [
    {
      image,
      host: '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      decisions: [
        { image, tag: '1.2.3', kind: 'immutable', action: 'keep', holds: A, reason: 'points to this image already' },
        { image, tag: 'production', kind: 'moving', action: 'move', holds: B, reason: 'moves from b' },
      ],
      previousDigest: B,
      written: ['production'],
      present: false,
      copied: false,
      record: B,
    },
  ],
  passed: [record({ environment: 'dev' }), record({}), record({ environment: 'production' })],
};

const diagram = (report: PromotionResult) =>
  /```mermaid\n([\s\S]*?)```/.exec(renderPromotionSummary(report))?.[1] ?? '';

describe('the outputs of a promotion', () => {
  test('hold the digest, what was there before, and a repository without its host', () => {
    expect(renderPromotionOutputs(promoted)).toMatchObject({
      outcome: 'promoted',
      digest: A,
      'previous-digest': B,
      image: `${image}@${A}`,
      repository: 'org/app',
      version: '1.2.3',
      tags: `${image}:1.2.3\n${image}:production`,
    });
  });

  test('name no tag that was not written', () => {
    const [target] = promoted.targets;
    if (target === undefined) throw new Error('there is one');
    const half = { ...promoted, outcome: 'registry-failed' as const, targets: [{ ...target, written: [] }] };
    expect(renderPromotionOutputs(half).tags).toBe(`${image}:1.2.3`);
  });

  test('hold everything as JSON, also the history and the errors with their remedies', () => {
    const refused: PromotionResult = {
      ...promoted,
      outcome: 'refused',
      errors: [new ActionError('PROMOTION_REFUSED', 'sbom: there is no SBOM.')],
      history: readHistory('production', [record({ environment: 'production', digest: B })], { holds: B }),
    };
    expect(JSON.parse(JSON.stringify(promotionJson(refused)))).toMatchObject({
      schemaVersion: 1,
      outcome: 'refused',
      errors: [{ code: 'PROMOTION_REFUSED', remedy: expect.any(Array) }],
      history: { environment: 'production', current: B, held: [], promotions: [{ digest: B }] },
      requirements: [{ name: 'deployed=staging', met: true }],
    });
  });
});

describe('the summary of a promotion', () => {
  test('draws the chain of environments', () => {
    expect(diagram(promoted)).toContain(
      [
        '  s0["✓ sha-abc1234"]:::claimed',
        '  s1["✓ dev"]:::claimed',
        '  s2["✓ staging"]:::claimed',
        '  s3["✓ production · aaaaaaaaaaaa"]:::done',
        '  s0 --> s1 --> s2 --> s3',
      ].join('\n'),
    );
  });

  test('has an environment once, whatever the case of its name', () => {
    expect(diagram({ ...promoted, environment: 'Production' })).not.toContain('✓ production');
  });

  test('shows where a refused one ended, and what is planned only', () => {
    const went = (name: string) => ({ name, milliseconds: 1 });
    const idle = promoted.targets.map((target) => ({ ...target, written: [] }));
    const refused = {
      ...promoted,
      outcome: 'refused' as const,
      errors: [new ActionError('PROMOTION_REFUSED', 'no')],
      targets: idle,
      steps: [went('Source'), went('Targets'), { ...went('Plan'), failed: true as const }],
    };
    expect(diagram(refused)).toContain('["✗ requirements"]:::failed');
    expect(diagram(refused)).toContain('["· production · aaaaaaaaaaaa"]:::skipped');
    expect(diagram({ ...promoted, outcome: 'planned' })).toContain('["· production · aaaaaaaaaaaa"]:::planned');
    expect(
      renderPromotionSummary({ ...promoted, targets: promoted.targets.map((each) => ({ ...each, written: [] })) }),
    ).toContain('➡️&nbsp;to&nbsp;move');
  });

  test('names what was promoted by its digest as everywhere else', () => {
    expect(diagram({ ...promoted, from: `${image}@${B}`, passed: [] })).toContain('s0["✓ sha256:bbbbbbbbbbbb"]:::done');
    const port = 'registry.example:5000/org/app';
    expect(diagram({ ...promoted, from: `${port}:1.2.3`, passed: [] })).toContain('s0["✓ 1.2.3"]:::done');
  });

  test('begins with the commit, where a record tells how it was published', () => {
    const published = record({
      kind: 'publish',
      environment: 'publish',
      from: 'https://github.com/org/app',
      commit: 'c'.repeat(40),
    });
    expect(diagram({ ...promoted, passed: [published, record({ environment: 'production' })] })).toContain(
      's0["✓ commit ccccccc"]:::claimed\n  s1["✓ publish"]:::claimed',
    );
  });

  test('shows what is there already as done, also when nothing was to be written', () => {
    const targets = promoted.targets.map((each) => ({
      ...each,
      written: [],
      decisions: each.decisions.filter(({ action }) => action === 'keep'),
    }));
    expect(diagram({ ...promoted, outcome: 'planned', targets })).toContain('["✓ production · aaaaaaaaaaaa"]');
  });

  test('promises nothing of a run that has failed, and tells once why', () => {
    const errors = [new ActionError('PROMOTION_REFUSED', 'sbom: there is no SBOM.')];
    const [target] = promoted.targets;
    if (target === undefined) throw new Error('there is one');
    const failed = renderPromotionSummary({ ...promoted, errors, targets: [{ ...target, written: [] }] });
    expect(failed).toContain('| moving | ⛔&nbsp;not&nbsp;written |');
    expect(failed).not.toContain('to&nbsp;move');
    const decisions = target.decisions.map((each) => ({
      ...each,
      action: 'refuse' as const,
      reason: 'there is no SBOM',
    }));
    const refused = renderPromotionSummary({ ...promoted, errors, targets: [{ ...target, written: [], decisions }] });
    expect(refused.match(/there is no SBOM/g)).toHaveLength(1);
  });

  test('a repository that did not fail says what is there, what was held back, and that a re-run finishes', () => {
    const [target] = promoted.targets;
    if (target === undefined) throw new Error('there is one');
    const error = new ActionError('DENIED', 'no');
    const steps = ['Source', 'Targets', 'Plan', 'Pre-flight'].map((name) => ({ name, milliseconds: 1 }));
    const partial = {
      ...promoted,
      outcome: 'registry-failed' as const,
      errors: [error],
      steps: [...steps, { name: 'Copy', milliseconds: 1, failed: true as const }],
      targets: [
        { ...target, written: [], copied: true },
        { ...target, image: 'ghcr.io/org/app', written: [], copied: false, error, decisions: [] },
      ],
    };
    const summary = renderPromotionSummary(partial);
    expect(summary).toContain('**Partial:** the image is in 1 of 2 repositories, no tag was written.');
    expect(summary).toContain(
      '⏸️ content present; <code>production</code> held back because <code>ghcr.io/org/app</code> failed; a re-run finishes',
    );
    expect(summary).not.toMatch(/## ✅|✅ moved/);
    expect(diagram(partial)).toMatch(
      /"✓ pre-flight".*\n.*"✗ copy"\]:::failed\n.*"· tags"\]:::skipped\n.*"· production/,
    );
  });

  test('has the steps of a run that came to no image, with the one that failed', () => {
    const { image: _image, from: _from, ...rest } = promoted;
    const lost = {
      ...rest,
      outcome: 'registry-failed' as const,
      errors: [new ActionError('REGISTRY_UNREACHABLE', 'no')],
      passed: [],
      targets: [],
      steps: [{ name: 'Source', milliseconds: 1, failed: true as const }],
    };
    expect(diagram(lost)).toContain(
      's0["✗ source"]:::failed\n  s1["· tags"]:::skipped\n  s2["· production"]:::skipped',
    );
  });

  test('begins with how to pull exactly this image, where it is', () => {
    const summary = renderPromotionSummary(promoted);
    expect(summary).toMatch(/^## ✅ Promoted org\/app to production \(aaaaaaaaaaaa\)\n/);
    expect(summary).toContain(`\`\`\`sh\ndocker pull ${image}@${A}\n\`\`\``);
    expect(summary.indexOf('docker pull')).toBeLessThan(summary.indexOf('mermaid'));
  });

  test('lists what came along', () => {
    const attachments = [{ digest: B, artifactType: 'application/<b>|x', bytes: 2048 }];
    const summary = renderPromotionSummary({ ...promoted, attachments });
    expect(summary).toContain('| <code>sha256:bbbbbbbbbbbb</code> | application/&lt;b&gt;&#124;x | 2.0 KiB |');
  });

  test('says when nothing was required', () => {
    const words = 'Nothing is required of <code>production</code>';
    expect(renderPromotionSummary({ ...promoted, requirements: [] })).toContain(words);
    expect(renderPromotionSummary(promoted)).not.toContain(words);
    expect(renderPromotionSummary({ ...promoted, requirements: [], kind: 'rollback' })).not.toContain(words);
  });

  test('says once what an environment holds, and that a run has changed it', () => {
    const of = (digest: typeof A | typeof B, second: number, more: Partial<PromotionRecord> = {}) =>
      record({ environment: 'production', digest, time: `2026-02-01T00:00:0${second}Z`, ...more });
    const history = readHistory('production', [
      of(B, 1),
      of(A, 2, { previousDigest: B }),
      of(B, 3, { kind: 'rollback', previousDigest: A, held: [A] }),
    ]);
    const marks = (report: PromotionResult) =>
      renderPromotionSummary(report)
        .split('\n')
        .flatMap(
          (line) => /^\| 2026-02-01<br>00:00:0(\d) .*?<\/code>(?: ([^|]+))? \|/.exec(line)?.slice(1, 3).join(' ') ?? [],
        );
    const idle = promoted.targets.map((each) => ({ ...each, written: [] }));
    expect(marks({ ...promoted, history, targets: idle })).toEqual(['3 **now**', '2 ✋ on hold', '1 ']);
    expect(marks({ ...promoted, history })).toEqual(['3 **until now**', '2 ', '1 ']);
  });

  test('shows what a rollback left', () => {
    const history = readHistory('production', [record({ environment: 'production', digest: B, previousDigest: A })], {
      holds: B,
    });
    const back = { ...promoted, outcome: 'rolled-back' as const, kind: 'rollback' as const, history, passed: [] };
    expect(diagram(back)).toContain('["↩ production · bbbbbbbbbbbb"]:::left');
  });

  test('shows the history with who did it, what is held back, and where it does not fit together', () => {
    const history = readHistory(
      'production',
      [
        record({ environment: 'production', digest: B, actor: 'mona' }),
        record({
          environment: 'production',
          kind: 'rollback',
          digest: A,
          previousDigest: B,
          held: [B],
          time: '2026-02-01T00:00:00Z',
        }),
      ],
      { holds: `sha256:${'c'.repeat(64)}` },
    );
    const summary = renderPromotionSummary({ ...promoted, history });
    expect(summary).toContain('↩️&nbsp;rollback');
    expect(summary).toContain('[mona](https://github.com/org/app/actions/runs/1/attempts/1)');
    expect(summary).toContain('✋ on hold');
    expect(summary).toContain('something else moved it');
  });

  test('names of others cannot reshape it', () => {
    const evil = '"]:::x\n  s9["<img src=x onerror=alert(1)>';
    const hostile: PromotionResult = {
      ...promoted,
      environment: evil,
      from: `${image}:${evil}`,
      passed: [record({ environment: evil, from: evil, actor: '](javascript:alert(1))|x' })],
      requirements: [{ name: evil, met: false, reason: `${evil} | <b>` }],
      history: readHistory(
        evil,
        [
          record({
            environment: evil,
            actor: '](javascript:alert(1))|x',
            run: 'https://x.example/![](https://y.example/p.png|`',
          }),
        ],
        { holds: A },
      ),
    };
    const summary = renderPromotionSummary(hostile);
    expect(summary).not.toContain('<img');
    expect(summary).not.toContain('](javascript');
    expect(summary).toContain('](https://x.example/%21%5B%5D%28https://y.example/p.png%7C%60) |');
    expect(
      diagram(hostile)
        .split('\n')
        .filter((line) => line.includes('[')),
    ).toHaveLength(2);
  });
});

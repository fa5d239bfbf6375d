import { describe, expect, test } from 'vitest';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { recheckSteps } from '../../../../src/domain/retention/recheck.ts';
import { digestOf, NOW, readScenario } from './scenario.ts';

/** Two indexes of pull requests, one of which has a signed child, and a release that shares a platform with them. */
const PLANNED = `
  V: { tags: [v1, pr-3], age: 20d, children: [shared, v-arm] }
  P: { tags: [pr-1], age: 20d, children: [shared, p-arm] }
  Q: { tags: [pr-2, pr-2b], age: 20d, children: [q-amd] }
  sP: { subject: P, age: 20d }
  ssP: { subject: sP, age: 20d }
  sq: { subject: q-amd, age: 20d }
  L: { age: 20d, children: [lost] }
`;
const POLICY = `
defaults: { limits: off }
rules:
  - { select: { tags: ["pr-*"] }, remove: { older-than: 7d } }
  - { select: { tagged: false }, remove: { older-than: 7d } }
`;
const ALL = ['-pr-3', 'L', 'P', 'Q', 'lost', 'p-arm', 'q-amd', 'sP', 'sq', 'ssP'];

function recheck(manifests: string, { vendor = 'ghcr', more = '' } = {}) {
  const repository = (list: string) =>
    readScenario(
      `${more}\nrepositories:\n  ghcr.io/acme/app:\n    vendor: ${vendor}\n    manifests:${list.replaceAll('\n', '\n    ')}`,
    );
  const policy = parsePolicy(POLICY, 'policy');
  if (!policy.ok) throw new Error(policy.problems.join());
  const { inventories, nameOf } = repository(PLANNED);
  const nothing = { images: [], unreadable: [] };
  const input = { policy: policy.value, inventories, inUse: nothing, refs: {}, now: NOW, sha256: digestOf };
  const [plan] = planCleanup(input).repositories;
  const now = repository(manifests);
  const [inventory] = now.inventories;
  if (plan === undefined || inventory === undefined) throw new Error('nothing was planned');
  const shown = (step: (typeof plan.steps)[number]) => (step.action === 'untag' ? `-${step.tag}` : nameOf(step.digest));
  const { steps, skipped, done, stop } = recheckSteps(plan, inventory, now.inUse);
  return {
    planned: plan.steps.map(shown).toSorted(),
    due: steps.map(shown).toSorted(),
    done: done.map(shown).toSorted(),
    skipped: Object.fromEntries(skipped.map(({ step, reason }) => [shown(step), reason])),
    stop,
  };
}

/** The repository of the plan with lines put in other lines' places. */
function changed(...lines: readonly string[]): string {
  const keyOf = (line: string) => line.split(':')[0]?.trim() ?? '';
  const keys = lines.map(keyOf);
  const rest = PLANNED.split('\n').filter((line) => line !== '' && !keys.includes(keyOf(line)));
  return `\n${[...rest, ...lines.filter((line) => line.includes('{')).map((line) => `  ${line}`)].join('\n')}\n`;
}

test('nothing changed: everything is due', () => {
  const { planned, due, skipped, done } = recheck(PLANNED);
  expect(planned).toEqual(ALL);
  expect(due).toEqual(ALL);
  expect([skipped, done]).toEqual([{}, []]);
});

describe.each([
  {
    what: 'a tag that moved leaves its old image alone, with all that is part of it or attached to it',
    now: changed('P: { age: 20d, children: [shared, p-arm] }', 'N: { tags: [pr-1], age: 1d }'),
    stays: { P: 'its tag pr-1 moved to', 'p-arm': 'needed by', sP: 'needed by', ssP: 'needed by' },
  },
  {
    what: 'an untag of a tag that moved is not done',
    now: changed('V: { tags: [v1], age: 20d, children: [shared, v-arm] }', 'N: { tags: [pr-3], age: 1d }'),
    stays: { '-pr-3': 'the tag moved to' },
  },
  {
    what: 'one of two tags that moved keeps the digest',
    now: changed('Q: { tags: [pr-2], age: 20d, children: [q-amd] }', 'N: { tags: [pr-2b], age: 1d }'),
    stays: { Q: 'its tag pr-2b moved to', 'q-amd': 'needed by pr-2', sq: 'needed by' },
  },
  {
    what: 'a new tag on a root',
    now: changed('P: { tags: [pr-1, production], age: 20d, children: [shared, p-arm] }'),
    stays: { P: 'it got the tag production', 'p-arm': 'needed by', sP: 'needed by', ssP: 'needed by' },
  },
  {
    what: 'a new tag on a child keeps that child and its signature',
    now: changed('q-amd: { tags: [debug], age: 20d }'),
    stays: { 'q-amd': 'it got the tag debug', sq: 'needed by' },
  },
  {
    what: 'a new tag on what had none',
    now: changed('L: { tags: [again], age: 20d, children: [lost] }'),
    stays: { L: 'it got the tag again', lost: 'needed by again' },
  },
  {
    what: 'a new parent of a child',
    now: changed('N: { tags: [v2], age: 1d, children: [p-arm] }'),
    stays: { 'p-arm': 'needed by v2' },
  },
  {
    what: 'a new index of an index',
    now: changed('N: { age: 1d, children: [Q] }'),
    stays: { Q: 'needed by', 'q-amd': 'needed by', sq: 'needed by' },
  },
  {
    what: 'a new signature keeps what it signs',
    now: changed('n: { subject: P, age: 1d }'),
    stays: { P: 'was attached to it', 'p-arm': 'needed by', sP: 'needed by', ssP: 'needed by' },
  },
  {
    what: 'a new signature of a child keeps the child',
    now: changed('n: { subject: q-amd, age: 1d, tags: [sbom] }'),
    stays: { 'q-amd': 'was attached to it', sq: 'needed by' },
  },
  {
    what: 'a new list of signatures under a tag keeps what it names',
    now: changed('n: { tags: ["sha256-{L}"], age: 1d, children: [sL] }', 'sL: { age: 1d, kind: referrer }'),
    stays: { L: 'was attached to it', lost: 'needed by' },
  },
  {
    what: 'a referrer that lists what goes',
    now: changed('n: { subject: V, age: 1d, children: [p-arm] }'),
    stays: { 'p-arm': 'needed by' },
  },
  {
    what: 'a subject that is attached to what stays',
    now: changed('P: { tags: [pr-1], subject: V, age: 20d, children: [shared, p-arm] }'),
    stays: { P: 'needed by', 'p-arm': 'needed by', sP: 'needed by', ssP: 'needed by' },
  },
])('$what', ({ now, stays }) => {
  test('and the rest is due', () => {
    const { due, skipped, stop } = recheck(now);
    expect(stop).toBeUndefined();
    expect(Object.keys(skipped).toSorted()).toEqual(Object.keys(stays).toSorted());
    for (const [step, reason] of Object.entries(stays)) expect(skipped[step]).toContain(reason);
    expect(due).toEqual(ALL.filter((step) => !(step in stays)));
  });
});

describe('in use now', () => {
  test.each([
    ['a tag of the plan', 'in-use: [{ tag: pr-1 }]', ['P', 'p-arm', 'sP', 'ssP']],
    ['a digest', 'in-use: [{ digest: Q }]', ['Q', 'q-amd', 'sq']],
    ['a child', 'in-use: [{ digest: q-amd }]', ['q-amd', 'sq']],
    ['the digest of an untag', 'in-use: [{ digest: V }]', ['-pr-3']],
    ['the tag of an untag', 'in-use: [{ tag: pr-3 }]', ['-pr-3']],
    ['a signature', 'in-use: [{ digest: sP }]', ['sP', 'ssP']],
    ['what another repository uses', 'in-use: [{ tag: pr-1, repository: ghcr.io/acme/web }]', []],
  ])('%s', (_, more, stays) => {
    const { skipped, due } = recheck(PLANNED, { more });
    expect(Object.keys(skipped).toSorted()).toEqual(stays.toSorted());
    expect(due).toEqual(ALL.filter((step) => !stays.includes(step)));
  });

  test('unknown: nothing is done', () => {
    const { due, done, stop } = recheck(PLANNED, { more: 'in-use-unreadable: [no token]' });
    expect([due, done]).toEqual([[], []]);
    expect(stop).toContain('no token');
  });
});

describe('what is gone', () => {
  const gone = changed('P:', 'sP:', 'ssP:', 'p-arm: { presence: missing }');
  test('is done where the registry lists everything', () => {
    const { done, due, skipped } = recheck(gone);
    expect(done).toEqual(['P', 'p-arm', 'sP', 'ssP']);
    expect(due).toEqual(ALL.filter((step) => !done.includes(step)));
    expect(skipped).toEqual({});
  });

  test('is asked for where only tags are listed: it may still be there without one', () => {
    const { done, due } = recheck(changed('P:', 'sP:', 'ssP:', 'L:'), { vendor: 'docker-hub' });
    expect(done).toEqual([]);
    // What only lost tags is still to be deleted.
    expect(due).toEqual(expect.arrayContaining(['P', 'sP']));
  });

  test('with its tag on another image it was replaced, and what it needs stays', () => {
    const { skipped, due } = recheck(changed('Q:', 'N: { tags: [pr-2], age: 1d }'), { vendor: 'docker-hub' });
    expect(skipped.Q).toContain('its tag pr-2 moved to');
    expect(skipped['q-amd']).toContain('needed by');
    expect(due).not.toContain('q-amd');
  });
});

test('a list that could not be read, and a tag that points to nothing listed, stop everything', () => {
  const scenario = readScenario(
    `repositories:\n  ghcr.io/acme/app:\n    gaps: [the registry answered 500]\n    manifests:${PLANNED.replaceAll('\n', '\n    ')}`,
  );
  const [inventory] = scenario.inventories;
  if (inventory === undefined) throw new Error('no inventory');
  const plan = { repository: inventory.repository, steps: [] };
  expect(recheckSteps(plan, inventory, scenario.inUse).stop).toContain('the registry answered 500');
  const dangling = { ...inventory, gaps: [], tags: [...inventory.tags, { name: 'new', digest: digestOf('absent') }] };
  expect(recheckSteps(plan, dangling, scenario.inUse).stop).toContain('the tag new points to a digest');
});

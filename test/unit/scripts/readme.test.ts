import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { GitEvent } from '../../../src/domain/event.ts';
import { parseIgnoreFile } from '../../../src/domain/gate/ignore-file.ts';
import { deriveTags } from '../../../src/domain/tags/derive.ts';
import { DEFAULT_FLAVOR } from '../../../src/domain/tags/flavor.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';
import { FOREIGN_INPUTS } from '../../../src/inputs/foreign.ts';
import { parseInputs } from '../../../src/inputs/parse.ts';
import { actionSteps, yamlExamples } from '../../support/workflows.ts';

const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  const workflows = yamlExamples(readme);

  it('shows workflows that the action accepts', () => {
    const steps = workflows.flatMap(actionSteps);
    expect(steps.length).toBeGreaterThan(5);
    for (const { with: inputs } of steps) {
      const env = Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, evaluated(value)]),
      );
      expect(() => parseInputs(env, () => {}), JSON.stringify(inputs)).not.toThrow();
    }
  });

  it('begins with a whole workflow of twelve lines at most', () => {
    const [first = ''] = workflows;
    expect(Object.keys(parse(first))).toEqual(['on', 'permissions', 'jobs']);
    expect(first.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  });

  it('shows an ignore file that the gate accepts', () => {
    const [text = ''] = workflows.filter((each) => each.includes('# .security/accepted.yaml'));
    expect(parseIgnoreFile(text, 'accepted.yaml')).toMatchObject({
      entries: [{ platform: 'linux/arm64' }, { id: 'private-key' }],
    });
  });

  it('has a table of tags', () => {
    expect(tagExamples().length).toBeGreaterThan(8);
  });

  it.each(tagExamples())('says truly that %s with %j gives %j', (event, rule, result) => {
    const rules = parseTagRules(rule === '(empty)' ? [] : [rule]);
    if (!rules.ok) throw new Error(rules.problems.join());
    const now = new Date('2026-01-31T12:00:00Z');
    const derived = deriveTags({
      rules: rules.value,
      flavor: DEFAULT_FLAVOR,
      event: eventOf(event),
      commitDate: now,
      now,
    });
    expect(derived).toMatchObject({ ok: true, tags: result.map((name) => ({ name })) });
  });

  it('has an answer for each input that it tells users of other actions to drop', () => {
    for (const name of ['load', 'outputs', 'exit-code', 'image-ref', 'vuln-type', 'trivyignores', 'logout', 'driver']) {
      expect(Object.hasOwn(FOREIGN_INPUTS, name), name).toBe(true);
    }
  });

  it('links only to files and headings that exist', async () => {
    const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, target = ''] of readme.matchAll(/\]\(((?!https?:)[^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#');
      if (file !== '') await readFile(new URL(`../../../${file}`, import.meta.url));
      else expect(headings, target).toContain(anchor);
    }
  });
});

/** What the runner makes of an expression that compares. */
function evaluated(text: string): string {
  return /^\$\{\{.*[!=]=.*\}\}$/.test(text) ? 'true' : text;
}

const SHA = '0123abc0123abc0123abc0123abc0123abc01234';

/** The rows of the table of tags: event, rule, and the tags that come out. */
function tagExamples(): readonly (readonly [string, string, readonly string[]])[] {
  const table = /^\| event \| `tags` \| result \|\n.*\n((?:\|.*\n)+)/m.exec(readme)?.[1] ?? '';
  return table
    .trim()
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map(([, event = '', rule = '', result = '']) => [
      event,
      rule.replaceAll('`', ''),
      [...result.matchAll(/`([^`]+)`/g)].map(([, name = '']) => (name.endsWith('…') ? `sha-${SHA}` : name)),
    ]);
}

/** The event that the table of tags speaks of. */
function eventOf(text: string): GitEvent {
  const [, branch] = /push to `([^`]+)`/.exec(text) ?? [];
  const [, tag] = /git tag `([^`]+)`/.exec(text) ?? [];
  const ref = text.startsWith('pull request 15')
    ? 'refs/pull/15/merge'
    : tag === undefined
      ? `refs/heads/${branch ?? 'main'}`
      : `refs/tags/${tag}`;
  return {
    name: text === 'schedule' ? 'schedule' : text.startsWith('pull request') ? 'pull_request' : 'push',
    ref,
    sha: SHA,
    repository: {
      owner: 'org',
      name: 'app',
      url: 'https://github.com/org/app',
      defaultBranch: 'main',
      isPrivate: false,
    },
    runUrl: '',
    serverUrl: 'https://github.com',
    apiUrl: 'https://api.github.com',
    actor: 'me',
  };
}

import { access, readdir, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from '../../../src/app/command-list.ts';
import type { GitEvent } from '../../../src/domain/event.ts';
import { parseIgnoreFile } from '../../../src/domain/gate/ignore-file.ts';
import { deriveTags } from '../../../src/domain/tags/derive.ts';
import { DEFAULT_FLAVOR } from '../../../src/domain/tags/flavor.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';
import { FOREIGN_INPUTS } from '../../../src/inputs/foreign.ts';
import { loadYaml } from '../../../src/inputs/logins.ts';
import { readInputs } from '../../support/inputs.ts';
import { actionSteps, yamlExamples } from '../../support/workflows.ts';

await loadYaml();

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8');
const docs = (await readdir(new URL('docs/', ROOT)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const pages = new Map<string, string>(
  await Promise.all(
    ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs].map(async (path) => [path, await read(path)] as const),
  ),
);
const page = (path: string) => pages.get(path) ?? '';
const readme = page('README.md');

/** Files that the examples name. */
const FILES = {
  '.security/accepted.yaml':
    yamlExamples(page('docs/gate.md')).find((example) => example.startsWith('# .security/accepted.yaml')) ?? '',
  '.github/registries.yaml':
    yamlExamples(page('docs/setup.md')).find((example) => example.startsWith('# .github/registries.yaml')) ?? '',
  '.github/cleanup.yaml': 'rules:\n  - { select: { tagged: false }, remove: { older-than: 7d } }\n',
  'rules.json': JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 7 },
        action: { type: 'expire' },
      },
    ],
  }),
  '.github/mirror.yaml': yamlExamples(page('docs/mirror.md')).find((example) => example.includes('mirrors:')) ?? '',
};

describe('the documentation', () => {
  it('lists every command in the README', () => {
    const [, commands = ''] = /^## Commands$([\s\S]*?)^## /m.exec(readme) ?? [];
    const rows = [...commands.matchAll(/^\| `(?!command`)([a-z]+)`(?: \(default\))? \|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  });

  it.each([...pages.keys()])('%s shows workflows that the action accepts', async (path) => {
    for (const { with: inputs } of yamlExamples(page(path)).flatMap(actionSteps)) {
      const env = Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, evaluated(value)]),
      );
      await expect(
        readInputs({ ...env, GITHUB_REPOSITORY: 'org/app' }, () => {}, FILES),
        JSON.stringify(inputs),
      ).resolves.toBeDefined();
    }
  });

  it('shows workflows', () => {
    expect([...pages.values()].flatMap(yamlExamples).flatMap(actionSteps).length).toBeGreaterThan(15);
  });

  it('fits the README into 16 KB', () => {
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(16 * 1024);
  });

  it('begins with a whole workflow of twelve lines at most', () => {
    const [first = ''] = yamlExamples(readme);
    expect(Object.keys(parse(first))).toEqual(['on', 'permissions', 'jobs']);
    expect(first.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  });

  it('shows an ignore file that the gate accepts', () => {
    const [text = ''] = yamlExamples(page('docs/gate.md')).filter((each) =>
      each.startsWith('# .security/accepted.yaml'),
    );
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
    for (const name of ['outputs', 'exit-code', 'image-ref', 'vuln-type', 'trivyignores', 'logout', 'append']) {
      expect(Object.hasOwn(FOREIGN_INPUTS, name), name).toBe(true);
    }
  });

  it.each([...pages.keys()])('%s links only to files and headings that exist', async (path) => {
    for (const [, target = ''] of page(path).matchAll(/(?:\]\(|(?:src|href)=")((?!https?:)[^)"\s]+)[)"]/g)) {
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : posix.join(posix.dirname(path), file);
      if (anchor === undefined) await access(new URL(linked, ROOT));
      else expect(headingsOf(page(linked)), `${path}: ${target}`).toContain(anchor);
    }
  });

  it.each([...pages.keys()])('%s names only files of the repository that exist', async (path) => {
    const named = page(path).matchAll(/(?<![\w/.-])(?:src|test|scripts|docs|examples|monitoring)\/[\w./-]*\w/g);
    for (const [file] of named) await access(new URL(file, ROOT));
  });
});

/** The anchors that GitHub gives to the headings of a page. */
function headingsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** What the runner could make of the expressions in a value. */
function evaluated(text: string): string {
  if (/^\$\{\{.*[!=]=.*\}\}$/.test(text)) return 'true';
  return text
    .replaceAll('${{ matrix.platform }}', 'linux/arm64')
    .replaceAll(/\$\{\{[^}]*digest[^}]*\}\}/g, `sha256:${'0'.repeat(64)}`);
}

const SHA = '0123abc0123abc0123abc0123abc0123abc01234';

/** The rows of the table of tags: event, rule, and the tags that come out. */
function tagExamples(): readonly (readonly [string, string, readonly string[]])[] {
  const table = /^\| event \| `tags` \| result \|\n.*\n((?:\|.*\n)+)/m.exec(page('docs/tags.md'))?.[1] ?? '';
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

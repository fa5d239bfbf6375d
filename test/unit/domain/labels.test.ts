import { describe, expect, test } from 'vitest';
import {
  buildMetadataArgs,
  deriveAnnotations,
  deriveLabels,
  type LabelTemplate,
  metadataJson,
  parseAnnotations,
  parseLabels,
} from '../../../src/domain/labels.ts';
import type { Parsed } from '../../../src/domain/parsed.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { gitEvent } from '../../support/events.ts';

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

const given = {
  event: gitEvent(),
  version: 'dev',
  created: new Date('2020-01-10T00:30:00Z'),
  now: new Date('2024-01-01T00:00:00Z'),
  custom: [],
};
const read = (parsed: Parsed<readonly LabelTemplate[]>) => {
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return parsed.value;
};
const labelsOf = (lines: readonly string[], event = given.event) =>
  deriveLabels({ ...given, custom: read(parseLabels(lines)), event });

describe('labels', () => {
  test('are those of metadata-action, with the date of the commit', () => {
    expect(labelsOf([])).toEqual({
      'org.opencontainers.image.created': '2020-01-10T00:30:00.000Z',
      'org.opencontainers.image.description': 'This your first repo!',
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.revision': '860c1904a1ce19322e91ac35af1ab07466440c37',
      'org.opencontainers.image.source': 'https://github.com/octocat/Hello-World',
      'org.opencontainers.image.title': 'Hello-World',
      'org.opencontainers.image.url': 'https://github.com/octocat/Hello-World',
      'org.opencontainers.image.version': 'dev',
    });
  });

  test('what is not known is empty', () => {
    const { description: _, license: __, ...repository } = given.event.repository;
    const labels = deriveLabels({ ...given, event: gitEvent({ repository }), version: undefined });
    expect(labels).toMatchObject({
      'org.opencontainers.image.description': '',
      'org.opencontainers.image.licenses': '',
      'org.opencontainers.image.version': '',
    });
  });

  test.each([
    ['a=b=c', 'a', 'b=c'],
    ['a=x#y', 'a', 'x#y'],
    ['a=', 'a', ''],
    ['a=one, "two"', 'a', 'one, "two"'],
    ['a={{branch}}-{{sha}}', 'a', 'dev-860c190'],
    ["created={{commit_date 'YYYY-MM-DDTHH:mm:ss.SSS[Z]'}}", 'created', '2020-01-10T00:30:00.000Z'],
    ["a={{date 'YYYY' tz='UTC'}}", 'a', '2024'],
    ["{{date 'YYYY' tz='UTC'}}=a", '2024', 'a'],
    ['__proto__=x', '__proto__', 'x'],
  ])('%s', (line, key, value) => {
    expect(Object.entries(labelsOf([line]))).toContainEqual([key, value]);
  });

  test('the last line of a key wins, and comments are none', () => {
    expect(labelsOf(['a=1', '# a=2', 'a=3'])).toMatchObject({ a: '3' });
  });

  test('a branch name is a value only: it is neither a template nor the end of a key', () => {
    const event = gitEvent({ ref: 'refs/heads/{{sha}}=<&>' });
    expect(labelsOf(['a={{branch}}', '{{branch}}=b'], event)).toMatchObject({
      a: '{{sha}}=<&>',
      '{{sha}}=<&>': 'b',
    });
  });

  test('all lines that cannot be used are told', () => {
    const labels = parseLabels(['a=1', 'nothing', '=x', 'b={{brunch}}']);
    expect(!labels.ok && labels.problems).toEqual([
      '`labels`, line 2 (`nothing`): expected `key=value`.',
      '`labels`, line 3 (`=x`): expected `key=value`.',
      expect.stringMatching(/^`labels`, line 4 \(`b=\{\{brunch\}\}`\): unknown expression .*Did you mean `branch`\?$/),
    ]);
  });
});

describe('annotations', () => {
  test('are the same set with their own lines, once for each level', () => {
    const annotations = deriveAnnotations({
      ...given,
      custom: read(parseAnnotations(['a=1'])),
      levels: ['manifest', ' index'],
    });
    const values = annotations.ok ? annotations.value : [];
    expect(values).toHaveLength(18);
    expect(values[0]).toBe('manifest:a=1');
    expect(values[9]).toBe('index:a=1');
  });

  test('are of the manifest by default', () => {
    const annotations = deriveAnnotations(given);
    expect(annotations.ok && annotations.value.every((each) => each.startsWith('manifest:org.'))).toBe(true);
  });

  test('for one platform', () => {
    const annotations = deriveAnnotations({ ...given, levels: ['manifest[linux/amd64]', 'index-descriptor'] });
    expect(annotations.ok).toBe(true);
  });

  test('an unknown level is a problem', () => {
    const annotations = deriveAnnotations({ ...given, levels: ['manifst'] });
    expect(!annotations.ok && annotations.problems).toEqual([
      expect.stringMatching(/^annotations: unknown level "manifst", .*Did you mean `manifest`\?$/),
    ]);
    expect(parseAnnotations(['x'])).toEqual({
      ok: false,
      problems: ['`annotations`, line 1 (`x`): expected `key=value`.'],
    });
  });

  test('with a level of their own come after the others, filled in', () => {
    const custom = read(parseAnnotations(['index:a={{sha}}', 'manifest[linux/arm64],index:b=1', 'c=2']));
    const annotations = deriveAnnotations({ ...given, custom, levels: ['manifest'] });
    expect(annotations.ok && annotations.value.slice(-2)).toEqual([
      'index:a=860c190',
      'manifest[linux/arm64],index:b=1',
    ]);
    expect(annotations.ok && annotations.value).toContain('manifest:c=2');
  });
});

test('the json has the shape of metadata-action', () => {
  expect(
    metadataJson({ tags: ['org/app:1'], tagNames: ['1'], labels: { a: 'b' }, annotations: ['manifest:a=b'] }),
  ).toEqual({
    tags: ['org/app:1'],
    'tag-names': ['1'],
    labels: { a: 'b' },
    annotations: ['manifest:a=b'],
  });
});

test('build arguments say what is built', () => {
  expect(buildMetadataArgs({ commitDate: given.created, sha: given.event.sha, version: '1.2.3' })).toEqual({
    BUILD_DATE: '2020-01-10T00:30:00.000Z',
    VCS_REF: '860c1904a1ce19322e91ac35af1ab07466440c37',
    VERSION: '1.2.3',
  });
});

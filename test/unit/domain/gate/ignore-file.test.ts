import { describe, expect, test } from 'vitest';
import { parseIgnoreFile } from '../../../../src/domain/gate/ignore-file.ts';

const parse = (text: string) => parseIgnoreFile(text, 'accepted.yaml');
const problems = (text: string) => {
  const parsed = parse(text);
  return 'problems' in parsed ? parsed.problems.map(({ line, message }) => `${line}: ${message}`) : [];
};

test('a complete entry', () => {
  expect(
    parse(`# accepted by the security team
- id: CVE-2019-10744
  reason: "we never call defaultsDeep"
  expires: 2026-12-31
  package: lodash
  path: app/**
  platform: linux/arm64
`),
  ).toEqual({
    entries: [
      {
        id: 'CVE-2019-10744',
        reason: 'we never call defaultsDeep',
        lastDay: '2026-12-31',
        class: undefined,
        package: 'lodash',
        paths: ['app/**'],
        purls: [],
        platform: 'linux/arm64',
        file: 'accepted.yaml',
        line: 2,
      },
    ],
  });
});

test("Trivy's .trivyignore.yaml, when it has reasons and ends", () => {
  const parsed = parse(`vulnerabilities:
  - id: CVE-2023-2650
    paths: ["usr/lib/**"]
    purls: ["pkg:deb/debian/openssl"]
    statement: accepted
    expired_at: 2026-03-01
secrets:
  - id: aws-access-key-id
    statement: a test key
    expired_at: 2026-03-01
licenses:
`);
  expect(parsed).toMatchObject({
    entries: [
      { id: 'CVE-2023-2650', class: 'vulnerability', lastDay: '2026-02-28', purls: ['pkg:deb/debian/openssl'] },
      { id: 'aws-access-key-id', class: 'secret' },
    ],
  });
});

test('Trivy takes a time as `expired_at`: its day counts', () => {
  const parsed = parse('- { id: CVE-1, statement: x, expired_at: 2026-03-01T12:00:00Z }\n');
  expect(parsed).toMatchObject({ entries: [{ lastDay: '2026-02-28' }] });
});

test.each(['', '# nothing yet\n', '[]', 'ignores: []'])('no entries: %j', (text) => {
  expect(parse(text)).toEqual({ entries: [] });
});

describe('case 6: problems have their line', () => {
  test.each([
    [
      'no expiry',
      '- id: CVE-1\n  reason: x\n',
      ['1: the entry for CVE-1 needs `expires`, the last day on which it applies (YYYY-MM-DD)'],
    ],
    ['no reason', '- id: CVE-1\n  expires: 2026-12-31\n', ['1: the entry for CVE-1 needs a `reason`']],
    [
      'an empty reason',
      '- id: CVE-1\n  expires: 2026-12-31\n  reason: " "\n',
      ['3: the `reason` is empty: state why this finding is accepted, or remove the entry'],
    ],
    ['no id', '\n- reason: x\n  expires: 2026-12-31\n', ['2: an entry needs an `id`']],
    [
      'a malformed day',
      '- id: A\n  reason: x\n  expires: 31.12.2026\n',
      ['3: the entry for A: `expires` is "31.12.2026", expected a day such as 2026-12-31'],
    ],
    [
      'a day that does not exist',
      '- id: A\n  reason: x\n  expires: 2026-02-30\n',
      ['3: the entry for A: `expires` is "2026-02-30", expected a day such as 2026-12-31'],
    ],
    [
      'never',
      '- id: A\n  reason: x\n  expires: never\n',
      ['3: the entry for A: `expires` is "never", expected a day such as 2026-12-31'],
    ],
    [
      'both ends',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  expired_at: 2026-12-31\n',
      ['4: the entry for A: give `expires` or `expired_at`, not both'],
    ],
    [
      'an unknown key',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  packge: y\n',
      [expect.stringMatching(/^4: unknown key "packge", expected id, reason/)],
    ],
    ['a key twice', '- id: A\n  id: B\n', [expect.stringMatching(/^2: .*unique/)]],
    ['an unknown group', 'vulns:\n  - id: A\n', [expect.stringMatching(/^1: unknown group "vulns"/)]],
    [
      'a purl that is none',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  purls: [lodash]\n',
      ['4: the entry for A: "lodash" is not a package URL'],
    ],
    [
      'a path that names nothing',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  path: /\n',
      ['1: the entry for A: "/" is not a path in the image'],
    ],
    [
      'an empty list of paths, which would match everything',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  paths: []\n',
      ['4: `paths` must be a list of texts'],
    ],
    [
      'an empty package, which would match everything',
      '- id: A\n  reason: x\n  expires: 2026-12-31\n  package:\n',
      ['4: `package` must be a text'],
    ],
    [
      'a plain .trivyignore',
      'CVE-2023-1\nCVE-2023-2 exp:2026-01-01\n',
      [expect.stringMatching(/^1: expected a YAML list/)],
    ],
    ['an entry that is a text', '- CVE-2023-1\n', ['1: expected an entry with `id`, `reason` and `expires`']],
    ['no YAML', '- id: "A\n', [expect.stringMatching(/^[12]: /)]],
    ['aliases', '- &a {id: A, reason: x, expires: 2026-12-31}\n- *a\n', ['2: aliases (`*name`) are not allowed']],
    [
      'several at once',
      '- id: A\n- reason: x\n',
      [
        expect.stringMatching(/^1: .*reason/),
        expect.stringMatching(/^1: .*expires/),
        expect.stringMatching(/^2: .*id/),
        expect.stringMatching(/^2: .*expires/),
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test('a file of any size is refused early', () => {
    expect(problems(`# ${'x'.repeat(2_000_000)}`)).toEqual(['1: the file has more than 1048576 characters']);
  });
});

import { describe, expect, test } from 'vitest';
import { jsonencode, quotedText, raw, renderFile } from '../../../../src/domain/setup/export/terraform/hcl.ts';
import { identifiers } from '../../../../src/domain/setup/export/terraform/identifiers.ts';

describe('a text between quotes', () => {
  test.each([
    ['plain', '"plain"'],
    ['a "quote" and \\', String.raw`"a \"quote\" and \\"`],
    ['two\nlines\r\tand tabs', String.raw`"two\nlines\r\tand tabs"`],
    // A template begins with one sign; a doubled one takes that away, except after another sign.
    ['${path.module}', '"$${path.module}"'],
    ['%{ if true }', '"%%{ if true }"'],
    ['$${a}', String.raw`"$$\u007ba}"`],
    ['$$$%%{a}', String.raw`"$$$%%\u007ba}"`],
    ['$ {a} 5% {b}', '"$ {a} 5% {b}"'],
    ['<<EOT', '"<<EOT"'],
    // What nobody sees is written so that everybody sees it.
    ['a\u202eb\u0000\u2028\u{e0041}', String.raw`"a\u202eb\u0000\u2028\U000e0041"`],
    ['日本語 🦊', '"日本語 🦊"'],
  ])('%j is written as %s', (text, expected) => {
    expect(quotedText(text)).toBe(expected);
  });
});

test('equals signs of neighbours stand below each other; what has several lines stands by itself', () => {
  const text = renderFile(
    ['head'],
    [
      {
        comments: ['about'],
        block: 'resource',
        labels: ['a', 'b'],
        body: [
          { name: 'long_name', value: 'x' },
          { name: 'n', value: 1 },
          { name: 'policy', value: jsonencode({ Key: ['a'], 'aws:Org': { for: null } }) },
          { name: 'on', value: true },
          'blank',
          { block: 'nested', body: [{ name: 'to', value: raw('a.b.c') }] },
        ],
      },
    ],
  );
  expect(text).toBe(`# head

# about
resource "a" "b" {
  long_name = "x"
  n         = 1
  policy = jsonencode({
    Key = ["a"]
    "aws:Org" = {
      "for" = null
    }
  })
  on = true

  nested {
    to = a.b.c
  }
}
`);
});

describe('names of blocks', () => {
  test('are what the repository is called, and unlike each other', () => {
    expect([...identifiers(['acme/api', 'acme-api', 'acme_api', '9lives', '..', 'acme/api'])]).toEqual([
      ['acme/api', 'acme_api'],
      ['acme-api', expect.stringMatching(/^acme_api_[0-9a-f]{8}$/)],
      ['acme_api', expect.stringMatching(/^acme_api_[0-9a-f]{8}$/)],
      ['9lives', expect.stringMatching(/^r_9lives_[0-9a-f]{8}$/)],
      ['..', expect.stringMatching(/^r_[0-9a-f]{8}$/)],
    ]);
  });

  test('do not change when others are added behind them', () => {
    const before = identifiers(['acme/api', 'acme-api']);
    const after = identifiers(['acme/api', 'acme-api', 'acme.api', 'b']);
    for (const [name, id] of before) expect(after.get(name)).toBe(id);
  });

  test('are cut when they are long, and still differ', () => {
    const long = (end: string) => `${'a'.repeat(80)}${end}`;
    const ids = [...identifiers([long('1'), long('2')]).values()];
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id.length).toBeLessThan(80);
  });
});

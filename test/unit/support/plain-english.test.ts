import { describe, expect, it } from 'vitest';
import { bannedPhrases } from '../../support/plain-english.ts';
import { literalsOf, pageTexts, type ShownText, sourceTexts } from '../../support/shown-texts.ts';

const translated = (texts: readonly ShownText[]) =>
  texts.flatMap(({ at, text }) => bannedPhrases(text).map((phrase) => `${at}: "${phrase}" in: ${text.trim()}`));

describe('plain English', () => {
  it('the pages that users read have no phrase that reads as translated', () => {
    const texts = pageTexts();
    const files = [...new Set(texts.map(({ at }) => at.split(':')[0]))];
    expect(files).toEqual(
      expect.arrayContaining([
        'README.md',
        'action.yml',
        'docs/errors.md',
        'examples/monorepo-matrix.yml',
        '.github/workflows/promote.yml',
      ]),
    );
    expect(translated(texts)).toEqual([]);
  });

  it('the messages in the source have none either', () => {
    const texts = sourceTexts();
    expect(texts.length).toBeGreaterThan(1000);
    expect(translated(texts)).toEqual([]);
  });

  it.each([
    'so nothing is built anew',
    'the limit was used up meanwhile',
    'else the default applies',
    'retried in vain',
    'Nothing is torn apart.',
    'the image that lies on the runner',
    'findings stand in a YAML file',
    'nobody has looked at this image',
    'whoever may push',
    'blobs that are there already',
    'Docker is not there',
    'The repository came to be during the run',
    'The database could not be had',
    'The gate is closed',
    'no verdict is not a good verdict',
    'The stage was moved',
    'staging holds nothing',
    'what production held before',
    'the run goes on',
    'and takes them back when the job ends',
    'the registry says that it is full',
    'GitHub was not asked for deployments',
    'Hosts that may be spoken to over plain HTTP',
    'the database does not know it',
    'the event does not say',
  ])('finds: %s', (text) => {
    expect(bannedPhrases(text)).not.toEqual([]);
  });

  it.each([
    'The stage to build. Empty: the last one.',
    'a multi-stage Dockerfile',
    'The environment has no tag; something else moved it.',
    'The image is on hold; its tags are held back until all targets have it.',
    'Ask an administrator for the role.',
    'It is unknown whether the tag exists.',
    'Pull requests that are closed or merged.',
  ])('accepts: %s', (text) => {
    expect(bannedPhrases(text)).toEqual([]);
  });

  it('reads string literals and templates, and leaves comments and single words out', () => {
    const code = "// nobody reads this\nconst a = 'one word' + 'word';\nconst b = `${a} lies ${`there ${a}`}`;";
    expect(literalsOf(code, 'a.ts')).toEqual([
      { at: 'a.ts:2', text: 'one word' },
      { at: 'a.ts:3', text: '… lies …' },
      { at: 'a.ts:3', text: 'there …' },
    ]);
  });
});

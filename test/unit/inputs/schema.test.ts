import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { INPUTS } from '../../../src/commands/publish/inputs.ts';
import { loadCsv } from '../../../src/domain/csv.ts';
import { entries, lines, list, pairs } from '../../../src/inputs/lists.ts';
import { platforms } from '../../../src/inputs/platforms.ts';
import {
  choice,
  count,
  duration,
  type Field,
  flag,
  flagOrAttributes,
  type InputsOf,
  pattern,
  secret,
  set,
  text,
} from '../../../src/inputs/schema.ts';

beforeAll(() => loadCsv(['"']));

const facts = { group: 'Run', about: '' } as const;
const FLAG = flag({ ...facts, default: 'false' });
const CHOICE = choice(['gate', 'report', 'off'], { ...facts, default: 'gate' });
const SET = set(['CRITICAL', 'HIGH', 'LOW'], { ...facts, default: 'HIGH' });
const COUNT = count({ ...facts, default: '1' });
const DURATION = duration({ ...facts, default: '3d' });
const ATTRIBUTES = flagOrAttributes(facts);
const VERSION = pattern(/^\d+\.\d+\.\d+$/, 'a version such as 1.2.3', facts);

function read<T>(field: Field<T>, raw: string) {
  const masked: string[] = [];
  const reading = field.read(raw, (value) => masked.push(value));
  return { masked, ...(reading.ok ? { value: reading.value, problems: [] } : { problems: reading.problems }) };
}

describe('what is understood', () => {
  it.each<[string, Field<unknown>, string, unknown]>([
    ['a flag', FLAG, 'true', true],
    ['a flag with a capital', FLAG, 'True', true],
    ['a flag in capitals', FLAG, 'FALSE', false],
    ['a word of a choice', CHOICE, 'report', 'report'],
    ['a set in any order and case', SET, 'high, critical,HIGH', ['CRITICAL', 'HIGH']],
    ['a set on lines', SET, 'LOW\n  HIGH\n', ['HIGH', 'LOW']],
    ['a number', COUNT, '12', 12],
    ['days', DURATION, '3d', 259_200_000],
    ['hours', DURATION, '12h', 43_200_000],
    ['minutes', DURATION, '90m', 5_400_000],
    ['seconds', DURATION, '45s', 45_000],
    ['attributes as a flag', ATTRIBUTES, 'false', false],
    ['attributes', ATTRIBUTES, 'mode=max,version=v1', 'mode=max,version=v1'],
    ['no attributes', ATTRIBUTES, '', undefined],
    ['a version', VERSION, '0.76.0', '0.76.0'],
    ['no version', VERSION, '', undefined],
    ['no text', text(facts), '', undefined],
  ])('%s', (_, field, raw, value) => {
    expect(read(field, raw)).toMatchObject({ value, problems: [] });
  });
});

describe('what is refused', () => {
  it.each<[string, Field<unknown>, string, RegExp]>([
    ['a flag in another language', FLAG, 'yes', /^got "yes", expected true or false\.$/],
    ['a flag as a number', FLAG, '1', /got "1"/],
    ['a flag in odd capitals', FLAG, 'tRUE', /got "tRUE"/],
    ['a flag that is a property of all objects', FLAG, 'constructor', /got "constructor"/],
    ['a word with a slip', CHOICE, 'gaet', /expected gate, report or off\. Did you mean `gate`\?/],
    ['a word of another case', CHOICE, 'Gate', /Did you mean `gate`\?/],
    ['a word that is near to none', CHOICE, 'strict', /^got "strict", expected gate, report or off\.$/],
    ['a member with a slip', SET, 'HIGH,CRITCAL', /got "CRITCAL".*Did you mean `CRITICAL`\?/],
    ['half a number', COUNT, '3abc', /got "3abc"/],
    ['a negative number', COUNT, '-1', /got "-1"/],
    ['a duration without a unit', DURATION, '3', /such as 3d, 12h or 90m/],
    ['a duration of nothing', DURATION, '0d', /got "0d"/],
    ['a duration in words', DURATION, '3 days', /got "3 days"/],
    ['attributes that are none', ATTRIBUTES, 'max', /expected true, false, or attributes/],
    ['latest as a version', VERSION, 'latest', /expected a version such as 1\.2\.3/],
  ])('%s', (_, field, raw, problem) => {
    expect(read(field, raw).problems).toEqual([expect.stringMatching(problem)]);
  });

  it('shows a long or hostile value on one short line', () => {
    const [problem = ''] = read(FLAG, `a\n::error::x${'y'.repeat(500)}`).problems;
    expect(problem).not.toContain('\n');
    expect(problem.length).toBeLessThan(150);
  });
});

describe('lists', () => {
  it.each<[string, Field<readonly string[]>, string, readonly string[]]>([
    ['commas and lines mix', list(facts), 'a, b\nc\r\n\n d ,', ['a', 'b', 'c', 'd']],
    ['a comma in quotes stays', list(facts), '"default=a,b",c', ['default=a,b', 'c']],
    ['comments go, also indented ones', list(facts), '# a,b\n  # c,d\ne # f', ['e # f']],
    ['nothing gives nothing', list(facts), '', []],
    ['entries keep their commas', entries(facts), 'A=1,2\nB="x", "y"', ['A=1,2', 'B="x", "y"']],
    ['quotes inside an entry survive', entries(facts), 'type=local,"dest=a,b"', ['type=local,"dest=a,b"']],
    [
      'a quoted entry spans lines',
      entries(facts),
      '"K=one\n# two\n say ""three"""\nL=4',
      ['K=one\n# two\n say "three"', 'L=4'],
    ],
    ['entries have comments', entries(facts), '# A=1\nB=2', ['B=2']],
    [
      'rules are left as they are',
      lines(facts),
      'type=match,"pattern=\\d{1,3}"\n  # no\n\n raw ',
      ['type=match,"pattern=\\d{1,3}"', '# no', '', 'raw'],
    ],
    ['rules that are all comments are none', lines(facts), '# one\n\n  # two', []],
    ['a line break of Windows ends a rule', lines(facts), 'type=sha\r\ntype=edge', ['type=sha', 'type=edge']],
    [
      'platforms get one spelling',
      platforms(facts),
      'linux/x86_64,linux/arm64/v8\nlinux/arm',
      ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
    ],
    [
      'a Windows version is a platform',
      platforms(facts),
      'windows(10.0.20348.1)/amd64',
      ['windows(10.0.20348.1)/amd64'],
    ],
    ['the platform of the builder', platforms(facts), 'local', ['local']],
  ])('%s', (_, field, raw, items) => {
    expect(read(field, raw)).toMatchObject({ value: items, problems: [] });
  });

  it.each<[string, Field<unknown>, string, RegExp]>([
    ['an open quote', entries(facts), 'A=1\n"B=2', /a double quote at the beginning of an entry is not closed/],
    ['text behind a quote', entries(facts), '"B=2" x', /line 1: text follows a closing double quote/],
    [
      'an architecture with a slip',
      platforms(facts),
      'linux/amd46',
      /"amd46" is no architecture\. Did you mean `amd64`\?/,
    ],
    ['an architecture alone', platforms(facts), 'arm64', /expected os\/architecture/],
    ['an unknown system', platforms(facts), 'linus/amd64', /"linus" is no operating system\. Did you mean `linux`\?/],
    ['a platform twice', platforms(facts), 'linux/arm64,linux/aarch64', /names linux\/arm64 more than once/],
    ['a variant that is none', platforms(facts), 'linux/arm/seven', /is no variant/],
    ['a flag for buildx', platforms(facts), 'linux/amd64 --push', /is no architecture/],
    [
      'a pair without a value',
      pairs({ ...facts, form: 'id=value' }),
      'a=1\nb=',
      /entry 2 is not of the form `id=value`/,
    ],
    ['a pair without a name', pairs({ ...facts, form: 'id=value' }), '=1', /entry 1 is not/],
    ['a pair twice', pairs({ ...facts, form: 'id=value' }), 'a=1\na=2', /`a` is given more than once/],
  ])('%s is refused', (_, field, raw, problem) => {
    expect(read(field, raw).problems).toEqual([expect.stringMatching(problem)]);
  });
});

describe('P8: secrets', () => {
  it('masks a secret and each of its lines', () => {
    expect(read(secret(facts), 'line one\n  line two  \n\nline three').masked).toEqual([
      'line one\n  line two  \n\nline three',
      'line one',
      'line two',
      'line three',
    ]);
  });

  it('masks the values of secret pairs, also of those that are not of the right form', () => {
    const field = pairs({ ...facts, form: 'id=value', secret: true });
    const { masked, problems } = read(field, 'token=s3cret=\n"key=first-half\nmiddle-half\n}"\nnaked-secret');
    expect(masked).toEqual(
      expect.arrayContaining(['s3cret=', 'first-half\nmiddle-half\n}', 'first-half', 'middle-half', 'naked-secret']),
    );
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toMatch(/s3cret|naked|middle/);
    expect(problems.join()).toContain('double quotes around an entry');
  });

  const PEM = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nx=\n-----END PRIVATE KEY-----';
  it.each([
    ['a PEM file in quotes', `"key=${PEM}"`],
    ['a PEM file without quotes', `key=${PEM}`],
    ['JSON', '"key={\n  ""a"": ""b"",\n  ""private_key"": ""long-enough-to-tell""\n}"'],
    ['a value in quotes', 'key="\n=\n{"'],
    ['quotes that are not closed', `"key=${PEM}\n{\n}`],
    ['one character', 'key=1'],
  ])('masks no text so short that it hides ordinary words: %s', (_, raw) => {
    const { masked } = read(pairs({ ...facts, form: 'id=value', secret: true }), raw);
    expect(masked.filter((each) => each.trim().length < 3 || /^-----BEGIN [A-Z ]+-----$/.test(each))).toEqual([]);
  });

  it.each(['NPM=', 'NPM= ', 'NPM=""', 'other=x\nNPM='])('an empty secret is named: %j', (raw) => {
    const { problems } = read(pairs({ ...facts, form: 'id=value', secret: true }), raw);
    expect(problems).toEqual([expect.stringContaining('the secret NPM is empty: not set for this event?')]);
  });

  it('does not quote what it could not read', () => {
    const field = pairs({ ...facts, form: 'id=value', secret: true });
    const { masked, problems } = read(field, '"token=s3cret-value');
    expect(masked).toContain('s3cret-value');
    expect(problems.join()).not.toContain('s3cret');
  });
});

it('gives each input its own type', () => {
  type InputValues = InputsOf<typeof INPUTS>;
  expectTypeOf<InputValues['scan']>().toEqualTypeOf<'gate' | 'report' | 'off'>();
  expectTypeOf<InputValues['severity']>().toEqualTypeOf<
    readonly ('CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW' | 'UNKNOWN')[]
  >();
  expectTypeOf<InputValues['max-db-age']>().toEqualTypeOf<number>();
  expectTypeOf<InputValues['context']>().toEqualTypeOf<string>();
  expectTypeOf<InputValues['file']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<InputValues['push']>().toEqualTypeOf<boolean>();
  expectTypeOf<InputValues['sbom']>().toEqualTypeOf<string | boolean | undefined>();
  expect(Object.keys(INPUTS)).toContain('images');
});

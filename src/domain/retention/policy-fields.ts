import { isDigest } from '../digest.ts';
import { parsed, problems } from '../parsed.ts';
import { globToRegex, isLiteral } from '../patterns/glob.ts';
import { PRE_RELEASES, parseSemverPattern, parseTagPattern, type TagPattern } from '../patterns/tag-pattern.ts';
import {
  boolean,
  count,
  either,
  listOf,
  mapOf,
  mapped,
  oneOf,
  parsedText,
  type Reader,
  text,
} from '../yaml-file/readers.ts';
import { isLocatedMap } from '../yaml-file/tree.ts';
import { parseDuration } from './duration.ts';
import { RULE_KINDS } from './kind.ts';
import { BASES, ENGINES, type Limit, MULTI_TAG, NEVER_PULLED, RANKINGS, type RepositoryPattern } from './policy.ts';

/** The keys of a policy, once: what parses them, what editors show, and what `docs/cleanup.md` lists. */

const duration = parsedText('a duration such as `36h`, `14d` or `2w`', parseDuration, { pattern: '^[0-9]{1,6}[hdw]$' });

const semverPattern: Reader<TagPattern> = mapped(
  mapOf('a range of versions', {
    semver: {
      reader: text('a range such as `*` or `<2`'),
      about: 'A range of semantic versions, as npm writes them.',
      required: true,
    },
    'pre-releases': { reader: oneOf(...PRE_RELEASES), about: 'Whether pre-releases belong to it. Default: exclude.' },
  }),
  (value, at, report) => {
    const pattern = parseSemverPattern(value.semver ?? '', value['pre-releases'] ?? 'exclude');
    if (pattern.ok) return pattern.value;
    report(at, pattern.problems.join('; '));
    return undefined;
  },
);

const tagPattern = either<TagPattern, TagPattern>(
  ({ value }) => isLocatedMap(value),
  semverPattern,
  parsedText('a glob such as `v*`, or a regular expression between slashes', parseTagPattern),
);
const tagPatterns = listOf(tagPattern);

const repositoryPattern: Reader<RepositoryPattern> = parsedText('a repository such as `ghcr.io/acme/*`', (written) => {
  const negated = written.startsWith('!');
  const given = (negated ? written.slice(1) : written).toLowerCase();
  if (given === '' || given.includes('//') || /^\/|\/$|@/.test(given)) {
    return problems('expected a repository without tag and scheme, such as `ghcr.io/acme/*`');
  }
  const source = globToRegex(given);
  return source.ok ? parsed({ text: given, source: source.value, negated, isLiteral: isLiteral(given) }) : source;
});

const digests = listOf(
  parsedText('a digest', (value) =>
    isDigest(value)
      ? parsed(value)
      : problems('this is no digest; expected `sha256:` and 64 characters of 0-9 and a-f'),
  ),
);

const limit: Reader<Limit | 'off'> = {
  read: (at, report) => {
    const { value } = at;
    if (value === 'off') return 'off';
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return { count: value };
    const percent = typeof value === 'string' ? /^(\d{1,3})\s?%$/.exec(value)?.[1] : undefined;
    if (percent !== undefined && Number(percent) <= 100) return { percent: Number(percent) };
    report(at, 'expected a share such as `30%`, a number, or `off`');
    return undefined;
  },
  schema: {
    anyOf: [{ type: 'string', pattern: '^[0-9]{1,3} ?%$' }, { type: 'integer', minimum: 0 }, { const: 'off' }],
  },
  expected: 'a share such as `30%`, a number, or `off`',
};

const off: Reader<'off'> = oneOf('off');
const MAX_COUNT = 1_000_000;

const newestFields = mapOf('what `newest` counts', {
  count: { reader: count(0, MAX_COUNT), about: 'How many stay.', required: true },
  by: { reader: oneOf(...RANKINGS), about: 'What makes one newer than another. Default: pushed.' },
  'group-by': {
    reader: text('`channel`, `major`, `minor`, the name of a group, or a pattern with one'),
    about:
      'Counts in each group: `channel`, `major` or `minor` of the version, a named group of the pattern, or a `/pattern/` with one.',
  },
  'generation-by': {
    reader: text('the name of a group, or a pattern with one'),
    about: 'Counts roots with the same value as one, such as an index and the tagged images of its platforms.',
  },
});
const newest = either(
  ({ value }) => isLocatedMap(value),
  newestFields,
  mapped(count(0, MAX_COUNT), (given, at) => ({ count: given, at }) as const),
);

const keep = mapOf('`keep`', {
  newest: { reader: newest, about: 'The newest N of what the rule selects stay.' },
  'younger-than': { reader: duration, about: 'What is younger stays.' },
  'pulled-within': { reader: duration, about: 'What was pulled in this time stays.' },
});

const remove = mapOf('`remove`', {
  'older-than': { reader: duration, about: 'Only what is older goes; `0d` means any age.' },
  since: {
    reader: oneOf('pushed', 'untagged'),
    about: 'For untagged images: counts from when the last tag left, where known (default), or from the push.',
  },
  'not-pulled-for': { reader: duration, about: 'Only what was not pulled for so long goes.' },
  'keep-newest': { reader: newest, about: 'All but the newest N go.' },
  'keep-scope': {
    reader: oneOf('matched', 'removable'),
    about: 'The newest N of all that the rule selects (default), or of what would go otherwise.',
  },
});

const gone = mapOf('`gone`', {
  'pull-request': { reader: oneOf('closed'), about: 'Selects images of pull requests that are closed or merged.' },
  branch: { reader: oneOf('deleted'), about: 'Selects images of branches that do not exist any more.' },
  'git-tag': { reader: oneOf('deleted'), about: 'Selects images of git tags that do not exist any more.' },
  for: { reader: duration, about: 'Since its end; for branches and git tags, since the push. Default: 0d.' },
  group: { reader: text('the name of a group of the pattern'), about: 'The group that has the number or name.' },
});

const select = mapOf('`select`', {
  tags: {
    reader: tagPatterns,
    about: 'Globs, `/regular expressions/` of the whole tag, or {semver: "range"}; `!` takes out.',
  },
  tagged: { reader: boolean, about: '`false` selects what has no tag. Default: true.' },
  kind: {
    reader: listOf(oneOf(...RULE_KINDS, 'any'), { least: 1 }),
    about: 'What the rule is about. Default: image; for untagged also cache.',
  },
  gone: { reader: gone, about: 'Only what belongs to something that is gone.' },
});

const rule = mapOf('a rule', {
  name: { reader: text('a name', 100), about: 'Shown in the plan.' },
  select: { reader: select, about: 'What the rule is about.', required: true },
  keep: { reader: keep, about: 'What to keep, whatever the other rules select. Removes nothing.' },
  remove: { reader: remove, about: 'What to delete if every condition is met and nothing keeps it.' },
});

const limits = either(
  ({ value }) => value === 'off',
  off,
  mapOf('`limits`', {
    tagged: { reader: limit, about: 'Tags that may go in one run, of all. More stops the repository. Default: 30%.' },
    untagged: { reader: limit, about: 'Untagged images that may go in one run. Default: 100%.' },
    max: {
      reader: either(({ value }) => value === 'off', off, count(1, MAX_COUNT)),
      about: 'Images that one run deletes. Default: 500.',
    },
    'on-exceed': {
      reader: oneOf('batch', 'stop'),
      about: 'For `untagged` and `max`: the oldest go now (default), or nothing.',
    },
    'min-tagged-left': {
      reader: count(0, MAX_COUNT),
      about: 'Number of tagged images to keep, whatever the rules select. Default: 1.',
    },
    'keep-newest-image': { reader: boolean, about: 'Whether the newest tagged image stays. Default: true.' },
  }),
);

const settings = {
  engine: {
    reader: oneOf(...ENGINES),
    about:
      'Whether rules that fit are installed in the registry, too: never (client, default), where possible (auto), or with an error where none can be (native).',
  },
  'multi-tag': { reader: oneOf(...MULTI_TAG), about: 'A digest of which only some tags are to go. Default: untag.' },
  referrers: {
    reader: mapOf('`referrers`', {
      orphans: {
        reader: mapOf('`orphans`', {
          'older-than': { reader: duration, about: 'The age from which they go.', required: true },
        }),
        about: 'Signatures, SBOMs and attestations whose image does not exist any more.',
      },
    }),
    about: 'Referrers always follow their image.',
  },
  'broken-index': {
    reader: listOf(oneOf('report', 'remove-ghost', 'remove-partial')),
    about: 'An index of which all (ghost) or some (partial) images are missing. Default: report.',
  },
  basis: { reader: oneOf(...BASES), about: 'What ages are counted from. Default: pushed.' },
  'never-pulled': { reader: oneOf(...NEVER_PULLED), about: 'How old a pull is that never was. Default: as-pushed.' },
  'min-age': { reader: duration, about: 'Nothing younger goes. Default: 24h.' },
  limits: { reader: limits, about: 'What one run may do at most; `off` for no limits.' },
};

const inUse = mapOf('a source of images in use', {
  kind: {
    reader: oneOf('promotions', 'github-deployments', 'files', 'list'),
    about: 'Where it is written what is in use.',
    required: true,
  },
  environments: { reader: listOf(text('the name of an environment', 255)), about: 'Only these. Default: all.' },
  history: {
    reader: count(1, 100),
    about: 'For promotions: how many of the last images of an environment. Default: 2.',
  },
  paths: { reader: listOf(text('a glob of files'), { least: 1 }), about: 'For files: globs in the checkout.' },
  path: { reader: text('the path of a file'), about: 'For list: a file with one image a line.' },
});

const protect = {
  tags: { reader: tagPatterns, about: 'No rule touches these tags. Each line must match something.' },
  digests: { reader: digests, about: 'No rule touches these digests.' },
};

const rules = listOf(rule, { least: 1, most: 200 });

/** The whole file. */
export const policyFields = mapOf('a policy', {
  version: { reader: count(1, 1), about: 'The version of this format: 1.' },
  defaults: { reader: mapOf('`defaults`', settings), about: 'Settings of every repository.' },
  protect: {
    reader: mapOf('`protect`', {
      ...protect,
      locked: { reader: boolean, about: 'Whether locked and immutable tags stay. Default: true.' },
      'in-use': { reader: listOf(inUse), about: 'What is in use stays. Default: what was promoted last, and before.' },
    }),
    about: 'What to keep, whatever the rules select.',
  },
  rules: { reader: rules, about: 'Rules of every repository that the run is given, instead of `repositories`.' },
  repositories: {
    reader: listOf(
      mapOf('an entry of `repositories`', {
        match: {
          reader: listOf(repositoryPattern, { least: 1 }),
          about: 'Repositories, with or without host; `*` is one part of a path, `**` any; `!` takes out.',
          required: true,
        },
        protect: { reader: mapOf('`protect`', protect), about: 'What stays in these repositories.' },
        rules: { reader: rules, about: 'Rules of these repositories.', required: true },
        ...settings,
      }),
      { least: 1, most: 500 },
    ),
    about: 'Rules by repository.',
  },
});

type Read<R> = R extends Reader<infer T> ? T : never;
/** The maps of a policy as they are parsed: every key that was given, checked by itself. */
export type RawPolicy = Read<typeof policyFields>;
export type RawRule = Read<typeof rule>;
export type RawSelect = Read<typeof select>;
export type RawGone = Read<typeof gone>;
export type RawKeep = Read<typeof keep>;
export type RawRemove = Read<typeof remove>;
export type RawNewest = Pick<Read<typeof newestFields>, 'count' | 'by' | 'group-by' | 'generation-by' | 'at'>;
export type RawInUse = Read<typeof inUse>;
const settingsFields = mapOf('`defaults`', settings);
export type RawSettings = Omit<Read<typeof settingsFields>, 'at'>;

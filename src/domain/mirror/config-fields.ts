import { isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import {
  PRE_RELEASES,
  type PreReleases,
  parseSemverPattern,
  parseTagPattern,
  type TagPattern,
} from '../patterns/tag-pattern.ts';
import { normalPlatform } from '../platform.ts';
import { type ImageName, parseImageName } from '../reference.ts';
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
import { DELETIONS, type HostLimits, MOVED, type Moved, type TagLine } from './config.ts';
import { parseSize } from './size.ts';

/** The keys of a mirror configuration, once: what parses them, what editors show, and what `docs/mirror.md` lists. */

const image: Reader<ImageName> = parsedText('a repository such as `ghcr.io/acme/app`', (written) =>
  parseImageName(written),
);

/** A range that names a pre-release asks for pre-releases. */
function semverLine(range: string, preReleases?: PreReleases): Parsed<TagLine> {
  const asked = /\d-[0-9A-Za-z]/.test(range.replaceAll(' - ', ' ')) ? 'include' : 'exclude';
  const pattern = parseSemverPattern(range, preReleases ?? asked);
  return pattern.ok ? parsed({ pattern: pattern.value }) : pattern;
}

function readTagLine(written: string): Parsed<TagLine> {
  const line = written.trim();
  if (/^!\s*semver:/.test(line))
    return problems('a range of versions cannot take out: write the range that is to stay, or a pattern behind `!`');
  if (line.startsWith('semver:')) return semverLine(line.slice('semver:'.length));
  if (isDigest(line.replace(/^@/, '')))
    return problems('an image without a tag cannot be mirrored: write the tag in front, as in `1.2.3@sha256:…`');
  const [name = '', ...pins] = line.startsWith('/') || line.startsWith('!/') ? [line] : line.split('@');
  const pattern = parseTagPattern(name);
  if (!pattern.ok) return pattern;
  const [pin] = pins;
  if (pin === undefined) return parsed({ pattern: pattern.value });
  if (!isDigest(pin) || pins.length > 1) return problems(`${JSON.stringify(pins.join('@'))} is no digest`);
  return isOneTag(pattern.value)
    ? parsed({ pattern: pattern.value, pin })
    : problems('a digest belongs to one tag, not to a pattern');
}

/** Whether a line names exactly one tag. */
export function isOneTag(pattern: TagPattern): boolean {
  return pattern.kind === 'glob' && !pattern.negated && /^\w[\w.-]{0,127}$/.test(pattern.text);
}

const semverMap: Reader<TagLine> = mapped(
  mapOf('a range of versions', {
    semver: {
      reader: text('a range such as `>=1.4 <3`'),
      about: 'A range of semantic versions, as npm writes them.',
      required: true,
    },
    'pre-releases': { reader: oneOf(...PRE_RELEASES), about: 'Whether pre-releases belong to it. Default: exclude.' },
  }),
  (value, at, report) => {
    const line = semverLine(value.semver ?? '', value['pre-releases']);
    if (line.ok) return line.value;
    report(at, line.problems.join('; '));
    return undefined;
  },
);

const tagLine = either<TagLine, TagLine>(
  ({ value }) => isLocatedMap(value),
  semverMap,
  parsedText('a tag, a glob such as `3.*`, a `/regular expression/` or `semver:<range>`', readTagLine),
);

const moved = either<MovedBy, Moved>(
  ({ value }) => isLocatedMap(value),
  mapOf('`moved`', {
    moving: { reader: oneOf(...MOVED), about: 'Tags that are meant to move, such as `latest` or `3.20`.' },
    versions: { reader: oneOf(...MOVED), about: 'Full versions and commits, such as `1.2.3`. Default: fail.' },
  }),
  oneOf(...MOVED),
);
interface MovedBy {
  readonly moving?: Moved;
  readonly versions?: Moved;
}

const platforms = either<'all', readonly string[]>(
  ({ value }) => value === 'all',
  oneOf('all'),
  listOf(
    parsedText('a platform such as `linux/arm64`', (written) =>
      /^[a-z0-9_]+(?:\/[a-z0-9_]+){0,2}$/i.test(written)
        ? parsed(normalPlatform(written))
        : problems('this is no platform; expected one such as `linux/arm64`'),
    ),
    { least: 1, most: 50 },
  ),
);

const referrers = either<boolean, readonly string[]>(
  ({ value }) => typeof value === 'boolean',
  boolean,
  listOf(
    parsedText('an artifact type such as `application/spdx+json`', (written) =>
      /^[\w.+-]+\/[\w.+-]+$/.test(written) ? parsed(written) : problems('this is no artifact type'),
    ),
    { least: 1, most: 50 },
  ),
);

const settings = {
  newest: {
    reader: count(1, 100_000),
    about: 'Of the tags that patterns select, only so many: the highest versions. Tags named in full stay.',
  },
  platforms: {
    reader: platforms,
    about: '`all` (default), or a list. A list makes another index, so it needs `digest: changes`.',
  },
  digest: {
    reader: oneOf('changes'),
    about: 'Agrees that an image with fewer platforms has another digest, and loses signatures of the whole image.',
  },
  referrers: {
    reader: referrers,
    about: 'Whether signatures, SBOMs and other attachments are copied: `true` (default), `false`, or artifact types.',
  },
  moved: {
    reader: moved,
    about:
      'A tag that now points to another image at the source: `update` (default), `keep` or `fail`. Versions and commits fail unless `versions` is set.',
  },
  delete: {
    reader: oneOf(...DELETIONS),
    about:
      'Tags that the source does not have any more: `none` (default), or `untag-missing` for those of this mirror.',
  },
};

const mirror = mapOf('an entry of `mirrors`', {
  from: { reader: image, about: 'The repository to copy from, without a tag.', required: true },
  to: { reader: listOf(image, { least: 1, most: 50 }), about: 'The repositories to copy to.', required: true },
  tags: {
    reader: listOf(tagLine, { least: 1 }),
    about:
      'Tags, globs, `/regular expressions/` of the whole tag, or `semver:<range>`; `!` takes out. `tag@sha256:…` pins.',
    required: true,
  },
  ...settings,
});

const hostLimits: Reader<HostLimits> = mapped(
  mapOf('limits of a registry', {
    'keep-pulls': { reader: count(0, 1_000_000), about: 'Pulls to leave of those that the registry still allows.' },
    'max-pulls': { reader: count(0, 1_000_000), about: 'Pulls in one run at most.' },
  }),
  ({ 'keep-pulls': keepPulls, 'max-pulls': maxPulls }) => ({
    ...(keepPulls === undefined ? {} : { keepPulls }),
    ...(maxPulls === undefined ? {} : { maxPulls }),
  }),
);

const runLimits = mapOf('`limits`', {
  'max-bytes': {
    reader: parsedText('a size such as `20GiB`', parseSize),
    about: 'Bytes that one run reads from sources at most.',
  },
  parallel: { reader: count(1, 16), about: 'Images that are copied at a time. Default: 4.' },
});

/** `limits`: keys of the whole run, and one for each registry. */
const limits: Reader<RawLimits> = {
  read: (at, report) => {
    if (!isLocatedMap(at.value)) {
      runLimits.read(at, report);
      return undefined;
    }
    const isHost = (key: string) => /[.:]|^localhost$/.test(key);
    const own = new Map([...at.value].filter(([key]) => !isHost(key)));
    const run = runLimits.read({ ...at, value: own }, report);
    const hosts = [...at.value]
      .filter(([key]) => isHost(key))
      .map(([key, { key: place, value }]) => {
        const name = parseImageName(`${key}/name`);
        if (!name.ok) report(place, `${JSON.stringify(key)} is not the host of a registry`);
        const read = hostLimits.read(value, report);
        return name.ok && read !== undefined ? { host: name.value.host, limits: read, place } : undefined;
      });
    return run === undefined || hosts.includes(undefined)
      ? undefined
      : { run, hosts: hosts.filter((host) => host !== undefined) };
  },
  schema: { ...runLimits.schema, additionalProperties: hostLimits.schema },
  expected: '`limits`',
};

interface RawLimits {
  readonly run: Read<typeof runLimits>;
  readonly hosts: readonly { readonly host: string; readonly limits: HostLimits; readonly place: Placed }[];
}
type Placed = Parameters<Reader<unknown>['read']>[0];

/** The whole file. */
export const configFields = mapOf('a mirror configuration', {
  version: { reader: count(1, 1), about: 'The version of this format: 1.', required: true },
  defaults: { reader: mapOf('`defaults`', settings), about: 'Settings of every mirror.' },
  mirrors: { reader: listOf(mirror, { least: 1, most: 2000 }), about: 'What to copy, and where.', required: true },
  limits: { reader: limits, about: 'What one run may take: `max-bytes`, `parallel`, and by host `keep-pulls`.' },
});

type Read<R> = R extends Reader<infer T> ? T : never;
export type RawConfig = Read<typeof configFields>;
export type RawMirror = Read<typeof mirror>;
const settingsFields = mapOf('`defaults`', settings);
export type RawSettings = Omit<Read<typeof settingsFields>, 'at'>;

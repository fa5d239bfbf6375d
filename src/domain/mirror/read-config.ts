import { parse } from 'yaml';
import { type Parsed, problems } from '../parsed.ts';
import { isCatchAll, tagMatcher } from '../patterns/tag-pattern.ts';
import { quoted } from '../suggestion.ts';
import { readYamlTree } from '../yaml-file/parse.ts';
import type { JsonSchema, Report } from '../yaml-file/readers.ts';
import { parseYamlTree, plainValue } from '../yaml-file/tree.ts';
import type { HostLimits, Mirror, MirrorConfig, MirrorLimits, Moved } from './config.ts';
import { configFields, isOneTag, type RawConfig, type RawMirror, type RawSettings } from './config-fields.ts';
import { type Conversion, convertForeign } from './foreign/convert.ts';

const DEFAULT_PARALLEL = 4;

/**
 * Reads a mirror configuration.
 * @param file for messages, which begin with `file:line:column: `
 * @returns the configuration with its defaults, or all problems
 */
export function parseMirrorConfig(text: string, file: string): Parsed<MirrorConfig> {
  const tree = parseYamlTree(text, file);
  const foreign = convertForeign(tree.ok ? plainValue(tree.value) : withAliases(text));
  if (foreign !== undefined) return foreignFile(foreign, file);
  if (!tree.ok) return tree;
  return readYamlTree(tree.value, file, {
    empty: 'the file is empty, expected `version` and `mirrors`',
    fields: configFields,
    read: readConfig,
  });
}

function foreignFile({ tool, yaml }: Conversion, file: string): Parsed<MirrorConfig> {
  return problems(`${file}:1:1: this is a file of ${tool}. Save it as a mirror configuration:\n\n${yaml}\n`);
}

/** A file of another tool may repeat its parts with anchors, which the library bounds. */
function withAliases(text: string): unknown {
  try {
    return parse(text, { merge: true, logLevel: 'silent' });
  } catch {
    return undefined;
  }
}

function readConfig(raw: RawConfig, report: Report): MirrorConfig {
  const { mirrors: entries = [], defaults = {} } = raw;
  const mirrors = entries.map((entry) => readMirror(entry, defaults, report));
  checkOverlaps(entries, mirrors, report);
  return { mirrors, limits: readLimits(raw.limits, mirrors, report) };
}

function readMirror(raw: RawMirror, defaults: RawSettings, report: Report): Mirror {
  const { from, to = [], tags = [] } = raw;
  const settings = { ...defaults, ...raw };
  const { platforms = 'all', newest } = settings;
  if (from === undefined) throw new Error('A required key was not checked.');
  if (to.some(({ name }) => name === from.name)) report(raw.at, `${from.familiarName} is copied to itself`);
  const twice = to.find(({ name }, at) => to.findIndex((target) => target.name === name) !== at);
  if (twice !== undefined) report(raw.at, `\`to\` names ${twice.familiarName} twice`);
  if (tags.every(({ pattern }) => pattern.negated))
    report(raw.at, '`tags` only takes out: add what to copy, for instance `"*"`');
  if (platforms !== 'all' && settings.digest === undefined) {
    report(
      raw.at,
      'an image with fewer platforms gets another digest, and signatures of the whole image do not hold for it: add `digest: changes` to agree, or write `platforms: all`',
    );
  }
  if (raw.digest !== undefined && platforms === 'all')
    report(raw.at, '`digest: changes` has no meaning without a list of `platforms`');
  return {
    from,
    to,
    tags,
    ...(newest === undefined ? {} : { newest }),
    ...(platforms === 'all' ? {} : { platforms: [...new Set(platforms)] }),
    referrers: settings.referrers ?? true,
    moved: readMoved(settings.moved),
    deletion: settings.delete ?? 'none',
  };
}

/** One word is about tags that are meant to move: versions fail, unless a key of their own says otherwise. */
function readMoved(written: RawSettings['moved']): Mirror['moved'] {
  const by: { readonly moving?: Moved; readonly versions?: Moved } =
    typeof written === 'string' ? { moving: written } : (written ?? {});
  return { moving: by.moving ?? 'update', versions: by.versions ?? 'fail' };
}

/** Two mirrors must not write the same tag: each run would move it back. What only a list can tell, the plan finds. */
function checkOverlaps(entries: readonly RawMirror[], mirrors: readonly Mirror[], report: Report): void {
  const byTarget = new Map<string, number[]>();
  for (const [at, { to }] of mirrors.entries()) {
    for (const { name } of to) byTarget.set(name, [...(byTarget.get(name) ?? []), at]);
  }
  const told = new Set<string>();
  for (const indexes of byTarget.values()) {
    for (const [position, later] of indexes.entries()) {
      for (const earlier of indexes.slice(0, position)) {
        const [first, second, raw] = [mirrors[earlier], mirrors[later], entries[later]];
        const pair = `${earlier} ${later}`;
        if (first === undefined || second === undefined || raw === undefined || told.has(pair)) continue;
        const tag = sharedTag(first, second) ?? sharedTag(second, first);
        if (tag === undefined) continue;
        told.add(pair);
        const target = second.to.find(({ name }) => first.to.some((other) => other.name === name));
        report(
          raw.at,
          `${quoted(tag)} is written to ${target?.familiarName ?? ''} by this mirror and by the one from ${first.from.familiarName}: take it out of one of them`,
        );
      }
    }
  }
}

/** A line of `a` that surely selects what `b` selects too. */
function sharedTag(a: Mirror, b: Mirror): string | undefined {
  const positive = a.tags.map(({ pattern }) => pattern).filter(({ negated }) => !negated);
  const others = b.tags.map(({ pattern }) => pattern);
  const matcher = tagMatcher(others);
  const isSame = (text: string, kind: string) =>
    others.some((other) => !other.negated && other.kind === kind && other.text === text);
  return positive.find(
    (pattern) =>
      (isOneTag(pattern) && matcher.matches(pattern.text)) ||
      isSame(pattern.text, pattern.kind) ||
      (isCatchAll(pattern) && others.some((other) => !other.negated && isOneTag(other))),
  )?.text;
}

function readLimits(raw: RawConfig['limits'], mirrors: readonly Mirror[], report: Report): MirrorLimits {
  const hosts = new Map<string, HostLimits>();
  const used = new Set(mirrors.map(({ from }) => from.host));
  for (const { host, limits, place } of raw?.hosts ?? []) {
    if (!used.has(host)) report(place, `no mirror copies from ${host}, so its limits have no effect`);
    hosts.set(host, limits);
  }
  const maxBytes = raw?.run['max-bytes'];
  return {
    hosts,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    parallel: raw?.run.parallel ?? DEFAULT_PARALLEL,
  };
}

/** The schema for editors: what {@link parseMirrorConfig} accepts, as far as a schema can say it. */
export function mirrorConfigSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Mirror configuration of registry-action',
    ...configFields.schema,
  };
}

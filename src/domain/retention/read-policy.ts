import type { Parsed } from '../parsed.ts';
import { quoted } from '../suggestion.ts';
import { parseYamlFile } from '../yaml-file/parse.ts';
import type { JsonSchema, Report } from '../yaml-file/readers.ts';
import { DAY } from './duration.ts';
import type { CleanupPolicy, InUseRequest, Limits, RepositoryPolicy, Rule } from './policy.ts';
import { policyFields, type RawInUse, type RawPolicy, type RawRule, type RawSettings } from './policy-fields.ts';
import { readRule } from './read-rule.ts';

/** Limits of a policy that names none. */
const LIMITS: Limits = {
  tagged: { percent: 30 },
  max: 500,
  onExceed: 'batch',
  minTaggedLeft: 1,
  keepNewestImage: true,
};

const NO_LIMITS: Limits = { onExceed: 'batch', minTaggedLeft: 0, keepNewestImage: false };

/** What environments point to, and what they can be rolled back to. */
const DEFAULT_IN_USE: readonly InUseRequest[] = [{ kind: 'promotions', history: 2, environments: [] }];

/**
 * Reads a policy.
 * @param file for messages, which begin with `file:line:column: `
 * @returns the policy with its defaults, or all problems
 */
export function parsePolicy(text: string, file: string): Parsed<CleanupPolicy> {
  return parseYamlFile(text, file, {
    empty: 'the policy is empty, expected `rules` or `repositories`',
    fields: policyFields,
    read: readPolicy,
  });
}

function readPolicy(raw: RawPolicy, report: Report): CleanupPolicy {
  if ((raw.rules === undefined) === (raw.repositories === undefined)) {
    report(
      raw.at,
      raw.rules === undefined
        ? 'expected `rules`, or `repositories` with rules of their own'
        : '`rules` is for every repository: move it into an entry of `repositories`, or leave that out',
    );
  }
  const { defaults = {}, protect } = raw;
  const { digests = [], locked = true } = protect ?? {};
  const inUse = protect?.['in-use']?.map((each) => readInUse(each, report)) ?? DEFAULT_IN_USE;
  const everywhere: RepositoryPolicy = {
    match: [{ text: '**', source: '.*', negated: false, isLiteral: false }],
    protect: { tags: [], digests: [] },
    rules: readRules(raw.rules ?? [], report),
    ...readSettings(defaults),
  };
  const repositories = raw.repositories?.map((entry) => ({
    match: entry.match ?? [],
    protect: { tags: entry.protect?.tags ?? [], digests: entry.protect?.digests ?? [] },
    rules: readRules(entry.rules ?? [], report),
    ...readSettings({ ...defaults, ...entry }),
  }));
  return {
    version: 1,
    protect: { ...(protect?.tags === undefined ? {} : { tags: protect.tags }), digests, locked },
    inUse,
    repositories: repositories ?? [everywhere],
  };
}

function readRules(raw: readonly RawRule[], report: Report): readonly Rule[] {
  const seen = new Set<string>();
  return raw.map((each, index) => {
    const rule = readRule(each, index, report);
    if (seen.has(rule.name)) report(each.at, `two rules are called ${quoted(rule.name)}`);
    seen.add(rule.name);
    return rule;
  });
}

function readSettings(raw: RawSettings): Omit<RepositoryPolicy, 'match' | 'protect' | 'rules'> {
  const orphans = raw.referrers?.orphans?.['older-than'];
  const broken = raw['broken-index'] ?? [];
  return {
    engine: raw.engine ?? 'client',
    multiTag: raw['multi-tag'] ?? 'untag',
    ...(orphans === undefined ? {} : { orphans }),
    brokenIndex: (['ghost', 'partial'] as const).filter((kind) => broken.includes(`remove-${kind}`)),
    basis: raw.basis ?? 'pushed',
    neverPulled: raw['never-pulled'] ?? 'as-pushed',
    minAge: raw['min-age'] ?? DAY,
    limits: readLimits(raw.limits),
  };
}

function readLimits(raw: RawSettings['limits']): Limits {
  if (raw === undefined) return LIMITS;
  if (raw === 'off') return NO_LIMITS;
  const { tagged = LIMITS.tagged, untagged, max = LIMITS.max } = raw;
  return {
    ...(tagged === undefined || tagged === 'off' ? {} : { tagged }),
    ...(untagged === undefined || untagged === 'off' ? {} : { untagged }),
    ...(max === undefined || max === 'off' ? {} : { max }),
    onExceed: raw['on-exceed'] ?? LIMITS.onExceed,
    minTaggedLeft: raw['min-tagged-left'] ?? LIMITS.minTaggedLeft,
    keepNewestImage: raw['keep-newest-image'] ?? LIMITS.keepNewestImage,
  };
}

const IN_USE_KEYS = {
  promotions: ['environments', 'history'],
  'github-deployments': ['environments'],
  files: ['paths'],
  list: ['path'],
} as const;

function readInUse(raw: RawInUse, report: Report): InUseRequest {
  const { kind = 'promotions', environments = [], history = 2, paths = [], path = '' } = raw;
  const allowed: readonly string[] = IN_USE_KEYS[kind];
  for (const key of ['environments', 'history', 'paths', 'path'] as const) {
    if (raw[key] !== undefined && !allowed.includes(key)) {
      report(
        raw.at,
        `\`${key}\` has no meaning for \`${kind}\`, expected ${allowed.map((each) => `\`${each}\``).join(' or ')}`,
      );
    }
  }
  if (kind === 'files') {
    if (paths.length === 0) report(raw.at, '`files` needs `paths`, such as `deploy/**`');
    return { kind, paths };
  }
  if (kind === 'list') {
    if (path === '') report(raw.at, '`list` needs the `path` of a file with one image a line');
    return { kind, path };
  }
  return kind === 'promotions' ? { kind, history, environments } : { kind, environments };
}

/** The schema for editors: what `parsePolicy` accepts, as far as a schema can say it. */
export function policySchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Clean-up policy of registry-action',
    ...policyFields.schema,
  };
}

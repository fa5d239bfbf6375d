import { canonicalJson } from '../../canonical-json.ts';
import { sorted } from '../compare.ts';
import type { DesiredRegistry, DesiredRepository, Immutability } from '../desired-state.ts';
import { withoutLines } from '../without-lines.ts';
import { immutabilityJson } from './mutability.ts';
import { replicationTarget } from './replication.ts';
import { ownLifecycle } from './retention.ts';

type Settings = DesiredRepository['settings'];

const HOST = /^(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.(.+)$/;

/**
 * What to know about replication, by the keys of the registries: AWS copies images and no settings, so those of the copies are compared
 * with those of the source, as the file has them. Pure. https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
 * @param addresses of all registries of the file, also of those that could not be read
 */
export function copyWarnings(
  registries: readonly DesiredRegistry[],
  addresses: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    registries.map((source) => [
      source.key,
      [...missingTargets(source, addresses), ...differences(source, registries)],
    ]),
  );
}

/** Registries of the own account that get copies and are not in the file. */
function missingTargets(source: DesiredRegistry, addresses: readonly string[]): readonly string[] {
  const [, account = ''] = HOST.exec(source.host) ?? [];
  const missing = targetsOf(source).filter(({ host }) => host.startsWith(account) && !addresses.includes(host));
  if (account === '' || missing.length === 0) return [];
  const hosts = sorted([...new Set(missing.map(({ host }) => `\`${host}\``))]).join(' and ');
  return [
    `Replication copies images, not settings: add ${hosts} to \`registries\` with a template \`for: [replication]\`, so that the copies are immutable and cleaned up, too.`,
  ];
}

function targetsOf({
  host,
  replicate,
}: DesiredRegistry): readonly { readonly host: string; readonly only: readonly string[] }[] {
  const [, account = '', domain = ''] = HOST.exec(host) ?? [];
  if (account === '') return [];
  return (replicate?.value ?? []).flatMap(({ to, only }) =>
    to.map((text) => {
      const { registryId, region } = replicationTarget(text, account);
      return { host: `${registryId}.dkr.ecr.${region}.${domain}`, only };
    }),
  );
}

/** Repositories by what is different, each as one sentence. */
function differences(source: DesiredRegistry, registries: readonly DesiredRegistry[]): readonly string[] {
  const names = new Map<string, Set<string>>();
  for (const { host, only } of targetsOf(source)) {
    const target = registries.find((each) => each.host === host);
    if (target === undefined) continue;
    for (const { name, settings } of source.repositories) {
      if (only.length > 0 && !only.some((prefix) => name.startsWith(prefix))) continue;
      for (const text of differencesOf(settings, settingsOfCopy(name, target), target)) {
        names.set(text, (names.get(text) ?? new Set()).add(name));
      }
    }
  }
  return [...names].map(([text, which]) => {
    const all = sorted([...which]);
    const shown = all.length > 5 ? `${all.slice(0, 5).join(', ')} and ${all.length - 5} more` : all.join(', ');
    return `Replication copies images, not settings: ${text}. This is about ${shown}.`;
  });
}

/** A repository that the file names, or the template by which replication makes it: that of the longest prefix. */
function settingsOfCopy(name: string, { repositories, templates }: DesiredRegistry): Settings | undefined {
  const named = repositories.find((each) => each.name === name);
  if (named !== undefined) return named.settings;
  const [template] = (templates?.value ?? [])
    .filter(({ prefix, for: uses }) => uses.includes('replication') && (prefix === 'ROOT' || name.startsWith(prefix)))
    .toSorted((a, b) => Number(a.prefix === 'ROOT') - Number(b.prefix === 'ROOT') || b.prefix.length - a.prefix.length);
  return template?.settings;
}

function differencesOf(
  source: Settings,
  copy: Settings | undefined,
  { key, host }: DesiredRegistry,
): readonly string[] {
  const retention = retentionOf(source);
  const isImmutable = protects(source.immutable?.value);
  if (copy === undefined) {
    return isImmutable || retention !== undefined
      ? [`\`${key}\` (${host}) has neither these repositories nor a template \`for: [replication]\` for them`]
      : [];
  }
  const texts: string[] = [];
  const ofCopy = copy.immutable?.value;
  if (!isSame(source.immutable?.value, ofCopy)) {
    if (protects(ofCopy))
      texts.push(
        `the copies in \`${key}\` are \`immutable: ${shown(ofCopy)}\` and the source is ${source.immutable === undefined ? 'not' : `\`${shown(source.immutable.value)}\``}: a tag that moves at the source would silently stay on the old image there`,
      );
    else if (isImmutable) texts.push(`tags of the copies in \`${key}\` can be moved, and those of the source cannot`);
  }
  const kept = retentionOf(copy);
  if (retention !== undefined && retention !== kept)
    texts.push(
      kept === undefined
        ? `the copies in \`${key}\` have no \`retention\`, so nothing expires there`
        : `the copies in \`${key}\` have another \`retention\` than the source`,
    );
  return texts;
}

const protects = (immutable: Immutability | undefined) => immutable !== undefined && immutable.mode !== 'off';

const shown = (immutable: Immutability | undefined) =>
  immutable === undefined ? 'false' : JSON.stringify(immutabilityJson(immutable)).replaceAll('"', '');

function isSame(a: Immutability | undefined, b: Immutability | undefined): boolean {
  return (
    canonicalJson(immutabilityJson(a ?? { mode: 'off' })) === canonicalJson(immutabilityJson(b ?? { mode: 'off' }))
  );
}

/** As one text; undefined: none. */
function retentionOf({ retention, own }: Settings): string | undefined {
  const written = ownLifecycle(own);
  if (written !== undefined) return canonicalJson(withoutLines(written.value));
  return retention?.value ? `from ${retention.value.from}` : undefined;
}

import { compileArtifactRegistry } from '../../../domain/retention/native/artifact-registry.ts';
import { entriesFor } from '../../../domain/retention/repository-match.ts';
import { cacheRepository, isDockerHub } from '../../../domain/setup/cache.ts';
import type { Cache, DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Principal } from '../../../domain/setup/principal.ts';
import { type Access, grantsOf, grantsTo } from '../../setup/access.ts';
import { type Change, lacksOf } from '../../setup/change.ts';
import { lacksNoCache, lacksNone } from '../../setup/none.ts';
import { compileRetention } from '../../setup/retention.ts';
import { cleanupPolicies } from './cleanup-policies.ts';
import type { DesiredGoogleRepository } from './desired.ts';
import { type Membership, ROLE_OF } from './iam.ts';
import { ownOf } from './own-fields.ts';

/** The file in the words of Artifact Registry: repositories, remote repositories for caches, virtual ones last. */
export function wantedOf(desired: DesiredRegistry): readonly DesiredGoogleRepository[] {
  const plain = desired.repositories.map((repository) => repositoryOf(repository, desired));
  const isVirtual = ({ mode }: DesiredGoogleRepository) => mode === 'VIRTUAL_REPOSITORY';
  return [
    ...(desired.cache?.value ?? []).map((cache) => remoteOf(cache)),
    ...plain.filter((each) => !isVirtual(each)),
    // A virtual repository names others, which have to exist.
    ...plain.filter(isVirtual),
  ];
}

function remoteOf(cache: Cache<readonly Principal[]>): DesiredGoogleRepository {
  const { from, user, secret, pull, line } = cache;
  return {
    name: cacheRepository(cache),
    creates: true,
    line,
    mode: 'REMOTE_REPOSITORY',
    remote: {
      ...(isDockerHub(from)
        ? { dockerRepository: { publicRepository: 'DOCKER_HUB' } }
        : { commonRepository: { uri: `https://${from}` } }),
      ...(user === undefined || secret === undefined
        ? {}
        : { upstreamCredentials: { usernamePasswordCredentials: { username: user, passwordSecretVersion: secret } } }),
    },
    members: pull.map((principal) => membershipOf(principal, 'pull')),
    isExact: false,
    isPublic: undefined,
    labels: new Map(),
    accept: [],
    lacks: [],
  };
}

function membershipOf({ kind, id, line }: Principal, access: Access): Membership & { readonly line: number } {
  return { role: ROLE_OF[access], member: kind === 'public' ? 'allUsers' : id, line };
}

function repositoryOf(repository: DesiredRepository, desired: DesiredRegistry): DesiredGoogleRepository {
  const { name, creates, settings, line } = repository;
  const lacks: Change<never>[] = [
    ...lacksNone(repository),
    ...UNSUPPORTED.flatMap(([key, reason]): readonly Change<never>[] => {
      const given = settings[key];
      if (given === undefined || given.value === null) return [];
      return [{ action: 'unsupported', name: key, reason, line: given.line }];
    }),
  ];
  const { immutable, retention, key } = settings;
  if (immutable !== undefined && 'tags' in immutable.value) {
    lacks.push({
      action: 'unsupported',
      name: `immutable.${immutable.value.mode}`,
      should: immutable.value.tags,
      line: immutable.line,
      reason:
        'Artifact Registry makes all tags of a repository immutable, or none: it stays as it is. Write `true`, and push moving tags to a repository of their own.',
    });
  }
  const { mode, virtual, isCleanupDryRun } = ownOf(settings);
  const newKey = key ?? desired.newKey;
  return {
    name,
    creates,
    line,
    ...(mode === undefined ? {} : { mode }),
    ...(virtual === undefined ? {} : { virtual }),
    ...(isCleanupDryRun === undefined ? {} : { isCleanupDryRun }),
    ...(settings.description === undefined ? {} : { description: settings.description }),
    labels: settings.labels ?? new Map(),
    ...(immutable === undefined || 'tags' in immutable.value
      ? {}
      : { immutable: { value: immutable.value.mode === 'all', line: immutable.line } }),
    ...(settings.scan === undefined
      ? {}
      : { scan: { value: settings.scan.value !== 'off', line: settings.scan.line } }),
    ...(key === undefined ? {} : { key }),
    ...(newKey === undefined || newKey.value === null ? {} : { newKey: newKey.value }),
    ...retentionOf(repository, desired, lacks),
    ...(retention === undefined
      ? {}
      : { mark: `setup-${desired.owner}-`, replaces: retention.value?.replace === true }),
    members: grantsTo(grantsOf(repository), 'google', 'public').map(({ principal, access }) =>
      membershipOf(principal, access),
    ),
    isExact: settings.access?.value === 'exact',
    isPublic: settings.visibility,
    accept: [...desired.accept, ...settings.accept],
    lacks,
  };
}

/**
 * A cleanup policy holds for all images of a repository, or for prefixes of their names. An entry that names only some images
 * would be applied to others, too.
 */
function retentionOf(
  { name, members, settings: { retention } }: DesiredRepository,
  { at, owner }: DesiredRegistry,
  lacks: Change<never>[],
): Pick<DesiredGoogleRepository, 'cleanup'> {
  if (retention === undefined) return {};
  const { value, line } = retention;
  if (value === null) return { cleanup: { value: {}, line } };
  const home = `${at}/${name}`;
  const images = members.filter((each) => each.startsWith(`${name}/`)).map((each) => `${at}/${each}`);
  const probe = `${home}/${PROBE}`;
  const names = images.length === 0 ? [probe] : images;
  const compiled = compileRetention({ value, line }, names, compileArtifactRegistry);
  lacks.push(...compiled.problems);
  const [only, ...others] = compiled.documents;
  if (only === undefined) return {};
  const [general] = entriesFor(value.policy, probe);
  const [own] = entriesFor(value.policy, names[0] ?? '');
  if (others.length > 0 || compiled.problems.some(({ name: each }) => each === 'retention') || general !== own) {
    lacks.push({
      action: 'unsupported',
      name: 'retention',
      line,
      reason: `Artifact Registry applies cleanup policies to all images of ${name}, and ${value.from} has an entry for some of them only. Write \`match: ${home}/**\`, or run it with \`command: cleanup\`.`,
    });
    return {};
  }
  return { cleanup: { value: cleanupPolicies(only.document, `setup-${owner}-`), line } };
}

/** A name that no entry means by itself. */
const PROBE = 'any-other-image-of-this-repository';

const UNSUPPORTED = [
  ['quota', 'Artifact Registry has no quota for a repository: set an alert on its size in Cloud Monitoring.'],
  ['webhooks', 'Artifact Registry publishes events to the Pub/Sub topic `gcr`: subscribe to that.'],
] as const;

/** What Artifact Registry cannot do for a registry as a whole. */
export function registryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  return [
    ...lacksNoCache(desired),
    ...lacksOf([
      [
        'replicate',
        desired.replicate,
        'Artifact Registry does not replicate: choose a multi-region location such as `europe-docker.pkg.dev`, or use `command: mirror`.',
      ],
      [
        'templates',
        desired.templates,
        'Artifact Registry has no settings for repositories to come: name them in the file.',
      ],
      ['receive', desired.receive, 'Give the identity that pushes here `push`.'],
      ['scanning', desired.scanning, 'Artifact Registry has one scanner: write `scan: on-push` at repositories.'],
      ['signing', desired.signing, 'Artifact Registry does not sign: use `signing` of this action when publishing.'],
      [
        'webhooks',
        desired.webhooks,
        'Artifact Registry publishes events to the Pub/Sub topic `gcr`: subscribe to that.',
      ],
      ['quota', desired.quota, 'Artifact Registry has no quota of its own: set an alert in Cloud Monitoring.'],
    ]),
  ];
}

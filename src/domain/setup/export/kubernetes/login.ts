import { byText } from '../../../compare-text.ts';
import type { DesiredRegistry } from '../../desired-state.ts';
import { PRINCIPALS, type Principal, type PrincipalKind } from '../../principal.ts';
import type { ExportedRegistry, LeftOut } from '../exported-file.ts';

/** How a cluster gets the login of a pull secret. */
type Login =
  /** External Secrets asks the cloud for a token, again and again. */
  | {
      readonly kind: 'token';
      readonly generator: string;
      readonly spec: Readonly<Record<string, unknown>>;
      /** Shorter than the token lives. */
      readonly refresh: string;
      /** ARN of the role that a ServiceAccount of its own assumes; undefined: External Secrets asks as itself. */
      readonly role: string | undefined;
      readonly about: string;
    }
  /** A user name and a password in a store of secrets. */
  | { readonly kind: 'stored'; readonly username: string | undefined; readonly about: string };

/** A pull secret that the file gives reason for. */
export interface PullSecret {
  /** What its name is made of. */
  readonly title: string;
  readonly line: number;
  readonly login: Login;
}

export interface PullSecrets {
  readonly secrets: readonly PullSecret[];
  readonly leftOut: readonly LeftOut[];
}

type Puller = Principal & { readonly short: string };
interface Refused {
  readonly reason: string;
  readonly instead: string;
}

/** Who pulls by the file, each once, from repositories and through caches. */
function pullersOf({ repositories, cache, templates }: DesiredRegistry): readonly Principal[] {
  const all = [
    ...repositories.flatMap(({ settings }) => settings.pull?.value ?? []),
    ...(cache?.value ?? []).flatMap(({ pull }) => pull),
    ...(templates?.value ?? []).flatMap(({ settings }) => settings.pull?.value ?? []),
  ].filter(({ kind }) => kind !== 'public');
  const byName = new Map(all.toReversed().map((each) => [`${each.kind} ${each.id}`, each]));
  return [...byName.values()].toSorted(byText(({ kind, id }) => `${kind} ${id}`));
}

/** Whether everybody may pull all that the file names. */
export function isPublic({ vendor, desired: { repositories } }: ExportedRegistry): boolean {
  if (vendor === 'ecr-public') return true;
  return repositories.length > 0 && repositories.every(({ settings }) => settings.visibility?.value === 'public');
}

/** The pull secrets of one registry. A principal that has no login of its own is left out with the reason. */
export function pullSecrets(registry: ExportedRegistry): PullSecrets {
  const { vendor, desired } = registry;
  if (isPublic(registry)) return { secrets: [], leftOut: [] };
  const pullers = pullersOf(desired).map((each): Puller => ({ ...each, short: shortName(each) }));
  const of = LOGINS[vendor];
  if (of === undefined) return { secrets: [oneLogin(registry, pullers)], leftOut: [] };
  if (pullers.length === 0) {
    const what = `${desired.at}: pull secret`;
    return {
      secrets: [],
      leftOut: [{ what, reason: 'The file does not name who pulls.', instead: 'Add `pull` to its repositories.' }],
    };
  }
  const secrets: PullSecret[] = [];
  const leftOut: LeftOut[] = [];
  for (const puller of pullers) {
    const login = of(desired, puller);
    if ('reason' in login) leftOut.push({ what: `${desired.at}: pull secret for ${puller.id}`, ...login });
    // A token that External Secrets gets as itself is the same for everybody.
    else if (login.kind === 'token' && login.role === undefined) {
      if (!secrets.some((each) => each.title === desired.key))
        secrets.push({ title: desired.key, line: puller.line, login });
    } else secrets.push({ title: `${desired.key} ${puller.short}`, line: puller.line, login });
  }
  const titles = Map.groupBy(secrets, ({ title }) => title);
  const unlike = secrets.map((each) =>
    (titles.get(each.title)?.length ?? 0) > 1 && each.login.kind === 'token' && each.login.role !== undefined
      ? { ...each, title: `${desired.key} ${each.login.role}` }
      : each,
  );
  return { secrets: unlike, leftOut };
}

/** `ecs-task` of `arn:aws:iam::111122223333:role/apps/ecs-task` */
function shortName({ kind, id }: Principal): string {
  return kind === 'aws-role' ? (id.split('/').at(-1) ?? id) : id;
}

const GROUPS: ReadonlySet<PrincipalKind> = new Set<PrincipalKind>(['hub-team', 'nexus-role', 'artifactory-group']);

/** Where the vendor's principals are groups of people, and where the file names no one who pulls: one login for the registry. */
function oneLogin({ title, desired }: ExportedRegistry, pullers: readonly Puller[]): PullSecret {
  const names = pullers
    .filter(({ kind }) => GROUPS.has(kind))
    .map(({ id }) => id)
    .join(', ');
  const about = `A login of ${title} that may only pull${names === '' ? '' : `, a member of ${names}`}.`;
  return {
    title: desired.key,
    line: pullers[0]?.line ?? desired.line,
    login: { kind: 'stored', username: undefined, about },
  };
}

const LOGINS: Readonly<Record<string, (registry: DesiredRegistry, puller: Puller) => Login | Refused>> = {
  ecr: ({ host }, { kind, id }) => {
    if (kind === 'aws-role' && id.includes(':role/')) {
      return {
        kind: 'token',
        generator: 'ECRAuthorizationToken',
        spec: { region: ecrRegion(host) },
        refresh: '4h',
        role: id,
        about: 'A token of Amazon ECR lasts 12 hours, so it is not a static secret.',
      };
    }
    if (kind === 'aws-role')
      return {
        reason: 'An IAM user has only access keys, which would be a secret in the cluster.',
        instead: 'Let a role pull.',
      };
    return {
      reason: `It is no identity that a cluster could pull as: ${PRINCIPALS[kind]}.`,
      instead: 'Name a role under `pull`, or let the nodes pull: their role is a member of the account.',
    };
  },
  'artifact-registry': ({ namespace }, { kind, id }) => {
    if (!id.startsWith('serviceAccount:')) {
      return {
        reason: `It is no identity that a cluster could pull as: ${PRINCIPALS[kind]}.`,
        instead: 'Name a service account under `pull`, such as that of the nodes.',
      };
    }
    return {
      kind: 'token',
      generator: 'GCRAccessToken',
      spec: { projectID: namespace.split('/', 1)[0] ?? namespace, auth: {} },
      refresh: '30m',
      role: undefined,
      about:
        'A token of Google lasts an hour. External Secrets gets it with its own identity, which needs the right to pull. In GKE, nodes pull with their service account and need no secret.',
    };
  },
  acr: ({ host }, { kind, id }) => {
    if (kind === 'acr-token')
      return { kind: 'stored', username: id, about: `The password of the token ${id} of the registry.` };
    return {
      kind: 'token',
      generator: 'ACRAccessToken',
      spec: { registry: host, environmentType: azureCloud(host), auth: { workloadIdentity: {} } },
      refresh: '1h',
      role: undefined,
      about:
        'A token of Azure Container Registry lasts three hours. External Secrets gets it with its own workload identity, which needs the right to pull. In AKS, a kubelet identity with the role AcrPull needs no secret.',
    };
  },
  harbor: (_registry, { kind, id }) => {
    if (kind === 'harbor-robot')
      return {
        kind: 'stored',
        username: undefined,
        about: `The robot account ${id}: its full name and its secret, as \`credentials-file\` has them.`,
      };
    return {
      reason: `A cluster does not pull as a person: ${PRINCIPALS[kind]}.`,
      instead: 'Name a robot account under `pull`: `harbor:robot/<name>`.',
    };
  },
};

function ecrRegion(host: string): string {
  return /\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1] ?? '';
}

function azureCloud(host: string): string {
  if (host.endsWith('.azurecr.us')) return 'USGovernmentCloud';
  return host.endsWith('.azurecr.cn') ? 'ChinaCloud' : 'PublicCloud';
}

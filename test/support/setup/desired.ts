import type {
  DesiredRegistry,
  DesiredRepository,
  Given,
  Immutability,
  RepositorySettings,
  Retention,
  VendorBlock,
} from '../../../src/domain/setup/desired-state.ts';
import type { Json } from '../../../src/domain/setup/json.ts';
import { type Principal, parsePrincipal } from '../../../src/domain/setup/principal.ts';

/** Settings as a test writes them: values without lines, principals as texts. */
export interface PlainSettings {
  readonly description?: string | null;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly visibility?: 'private' | 'public';
  readonly immutable?: Immutability;
  readonly scan?: 'on-push' | 'continuous' | 'off';
  readonly key?: string;
  readonly retention?: Retention | null;
  readonly pull?: readonly string[];
  readonly push?: readonly string[];
  readonly admin?: readonly string[];
  readonly access?: 'add' | 'exact';
  readonly quota?: number | null;
  readonly webhooks?: RepositorySettings<readonly Principal[], Retention>['webhooks'] extends Given<infer T> | undefined
    ? T
    : never;
  readonly accept?: readonly string[];
  readonly own?: { readonly [Name in VendorBlock]?: Readonly<Record<string, Json>> };
}

export interface PlainRepository extends PlainSettings {
  readonly name: string;
  readonly members?: readonly string[];
  readonly creates?: boolean;
}

const LINE = 7;
const given = <T>(value: T): Given<T> => ({ value, line: LINE });

export function principals(...texts: readonly string[]): readonly Principal[] {
  return texts.map((text) => {
    const read = parsePrincipal(text);
    if (!read.ok) throw new Error(`${text}: ${read.problems.join(' ')}`);
    return { ...read.value, line: LINE };
  });
}

function settingsOf(plain: PlainSettings): RepositorySettings<readonly Principal[], Retention> {
  const { labels, pull, push, admin, accept = [], own = {}, ...rest } = plain;
  const wrapped = Object.entries(rest).flatMap(([key, value]) =>
    key === 'name' || key === 'members' || key === 'creates' || value === undefined ? [] : [[key, given(value)]],
  );
  return {
    ...Object.fromEntries(wrapped),
    ...(labels === undefined
      ? {}
      : { labels: new Map(Object.entries(labels).map(([key, value]) => [key, given(value)])) }),
    ...(pull === undefined ? {} : { pull: given(principals(...pull)) }),
    ...(push === undefined ? {} : { push: given(principals(...push)) }),
    ...(admin === undefined ? {} : { admin: given(principals(...admin)) }),
    accept,
    own: blocksOf(own),
  };
}

export function blocksOf(own: PlainSettings['own'] = {}): DesiredRegistry['own'] {
  return new Map(
    (Object.entries(own) as [VendorBlock, Readonly<Record<string, Json>>][]).map(([name, block]) => [
      name,
      new Map(Object.entries(block).map(([key, value]) => [key, given(value)])),
    ]),
  );
}

function repositoryOf(plain: PlainRepository): DesiredRepository {
  const { name, members = [], creates = true } = plain;
  return { name, members, creates, line: LINE, settings: settingsOf(plain) };
}

/** A registry as the file wants it. */
export function desiredRegistry(
  at: string,
  repositories: readonly PlainRepository[],
  more: Partial<DesiredRegistry> = {},
): DesiredRegistry {
  const [host = '', ...path] = at.split('/');
  return {
    key: 'registry',
    at,
    host,
    namespace: path.join('/'),
    owner: 'platform',
    line: 3,
    accept: [],
    own: new Map(),
    repositories: repositories.map(repositoryOf),
    unlisted: [],
    ...more,
  };
}

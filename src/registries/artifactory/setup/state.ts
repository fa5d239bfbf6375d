import type { Fields } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { ArtifactoryRepositoryState, ArtifactoryState } from '../../../domain/setup/export/artifactory-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import type { Reading } from '../../setup/change.ts';
import { ownOf } from './own-fields.ts';
import type { ArtifactoryRequest, LiveArtifactoryRepository } from './plan.ts';

interface Wanted {
  readonly key: string;
  readonly line: number;
  readonly rclass: ArtifactoryRepositoryState['rclass'];
  readonly creates: boolean;
  readonly fields: readonly string[];
}

/**
 * Applies the plan to what was read. Pure.
 * @param url of the platform, without Artifactory's own path
 */
export function artifactoryState(
  url: string,
  desired: DesiredRegistry,
  live: ReadonlyMap<string, Reading<LiveArtifactoryRepository>>,
  { settings, steps }: RegistryPlan<ArtifactoryRequest>,
): ArtifactoryState {
  const caches = (desired.cache?.value ?? []).map(
    (cache): Wanted => ({
      key: cacheRepository(cache),
      line: cache.line,
      rclass: 'remote',
      creates: true,
      fields: ['url'],
    }),
  );
  const isRefused = (key: string) =>
    settings.some(({ subject, action }) => subject === key && action === 'needs-recreation');
  return {
    kind: 'artifactory',
    url: url.replace(/\/+$/, ''),
    repositories: [...caches, ...desired.repositories.map(wantedOf)].flatMap(
      ({ key, line, rclass, creates, fields }): readonly ArtifactoryRepositoryState[] => {
        const read = live.get(key);
        const before = read?.ok === true ? read.value.fields : undefined;
        if (read?.ok === false || isRefused(key) || (before === undefined && !creates)) return [];
        const written = steps.find(({ request: { kind, name } }) => kind !== 'permission' && name === key)?.request;
        const after: Fields = { ...before, ...written?.body };
        const username = written?.login?.user ?? after.username;
        return [
          {
            key,
            line,
            rclass,
            packageType: packageTypeOf(before),
            exists: before !== undefined,
            named: Object.fromEntries(fields.map((field) => [field, after[field] ?? ''])),
            hasLogin: typeof username === 'string' && username !== '',
          },
        ];
      },
    ),
    settings,
  };
}

function wantedOf({ name, line, creates, settings }: DesiredRepository): Wanted {
  const { rclass, fields } = ownOf(settings);
  return {
    key: name,
    line,
    rclass,
    creates,
    fields: [
      ...(settings.description === undefined ? [] : ['description']),
      ...(settings.scan === undefined || rclass !== 'local' ? [] : ['xrayIndex']),
      ...fields.map(({ field }) => field),
    ],
  };
}

function packageTypeOf(live: Fields | undefined): ArtifactoryRepositoryState['packageType'] {
  if (live?.packageType === 'oci') return 'oci';
  return live?.dockerApiVersion === 'V1' && live.rclass === 'local' ? 'docker-v1' : 'docker';
}

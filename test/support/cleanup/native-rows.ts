import type { CloudReply, CloudRequest } from '../cloud.ts';
import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { type GoogleOptions, googleDouble } from '../vendors/google.ts';
import { type HarborArtifact, type HarborOptions, harborDouble } from '../vendors/harbor.ts';
import { idTokens, SUBJECT } from '../vendors/oidc.ts';
import { as, digestsIn, missing, tagsIn, under, type VendorRow } from './vendor-api.ts';

const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/pool/providers/github';
const GOOGLE = 'artifactregistry.googleapis.com';
const GOOGLE_HOME = 'projects/p/locations/us/repositories/r';

/** A repository of Artifact Registry whose cleanup policies a test looks at. */
export function googleRow(options: Pick<GoogleOptions, 'packages' | 'stores'> = {}) {
  let repositories = new Map<string, Readonly<Record<string, unknown>>>();
  const row: VendorRow = {
    id: 'artifact-registry',
    host: 'us-docker.pkg.dev',
    repository: 'p/r/app',
    inputs: { 'workload-identity-provider': PROVIDER },
    start: async (now) => {
      const double = googleDouble({ provider: PROVIDER, subject: SUBJECT, now, ...options });
      repositories = double.state.repositories;
      repositories.set(GOOGLE_HOME, { name: GOOGLE_HOME });
      const api = checked(double.hosts[GOOGLE], await readContract('artifact-registry'));
      const { images } = double.state;
      return {
        api,
        hosts: { [GOOGLE]: api, 'sts.googleapis.com': double.hosts['sts.googleapis.com'] },
        fields: { keyless: { 'workload-identity-provider': PROVIDER }, idToken: idTokens({ now }) },
        load: (stored) =>
          void images.splice(
            0,
            images.length,
            ...stored.map(({ digest, tags, mediaType }) => ({
              uri: `us-docker.pkg.dev/p/r/app@${digest}`,
              digest,
              package: 'app',
              tags: [...tags],
              mediaType,
              parents: stored.flatMap((each) => (each.children.some((child) => child === digest) ? [each.digest] : [])),
            })),
          ),
        left: () => ({ tags: tagsIn(images), digests: digestsIn(images) }),
      };
    },
  };
  return {
    row,
    repository: () => repositories.get(GOOGLE_HOME) ?? {},
    set: (fields: Readonly<Record<string, unknown>>) =>
      void repositories.set(GOOGLE_HOME, { ...repositories.get(GOOGLE_HOME), ...fields }),
  };
}

const HARBOR = 'harbor.example.com';

/** A project of Harbor whose tag retention a test looks at. */
export function harborRow(
  retains?: HarborOptions['retains'],
  before: (request: CloudRequest) => CloudReply | undefined = () => undefined,
) {
  let stored: ReturnType<typeof harborDouble>['state']['retentions'] = [];
  const row: VendorRow = {
    id: 'harbor',
    host: HARBOR,
    repository: 'team/services/app',
    inputs: { registry: HARBOR, username: 'robot', password: 'good', 'registry-type': 'harbor' },
    start: async () => {
      const artifacts: HarborArtifact[] = [];
      const double = harborDouble({
        host: HARBOR,
        users: { robot: 'good' },
        projects: { library: {}, team: { repositories: { 'services/app': artifacts } } },
        before,
        ...(retains === undefined ? {} : { retains }),
      });
      stored = double.state.retentions;
      const api = checked(double.hosts[HARBOR] ?? missing, await readContract('harbor'), under('/api/'));
      return {
        api,
        hosts: { [HARBOR]: api },
        fields: as('robot', 'good'),
        load: (images) =>
          void artifacts.splice(
            0,
            artifacts.length,
            ...images.map(({ digest, tags, children, mediaType }) => ({
              digest,
              tags: [...tags],
              mediaType,
              ...(children.length === 0 ? {} : { children }),
            })),
          ),
        left: () => ({ tags: tagsIn(artifacts), digests: digestsIn(artifacts) }),
      };
    },
  };
  return { row, stored: () => stored };
}

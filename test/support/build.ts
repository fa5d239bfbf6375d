import type { BuildRequest } from '../../src/domain/build-request.ts';
import type { GitEvent } from '../../src/domain/event.ts';

/** A build of everything by default. */
export const EMPTY_REQUEST: BuildRequest = {
  context: '.',
  platforms: [],
  buildArgs: [],
  buildContexts: [],
  secrets: [],
  secretEnvs: [],
  secretFiles: [],
  ssh: [],
  cacheFrom: [],
  cacheTo: [],
  noCache: false,
  noCacheFilters: [],
  pull: false,
  addHosts: [],
  allow: [],
  ulimit: [],
  labels: [],
  annotations: [],
  tags: [],
  provenance: undefined,
  sbom: true,
};

/** A push to main of a public repository. */
export const EVENT: GitEvent = {
  name: 'push',
  ref: 'refs/heads/main',
  sha: 'c'.repeat(40),
  repository: { owner: 'org', name: 'app', url: 'https://github.com/org/app', isPrivate: false },
  runUrl: 'https://github.com/org/app/actions/runs/1/attempts/1',
  serverUrl: 'https://github.com',
  apiUrl: 'https://api.github.com',
  actor: 'dev',
};

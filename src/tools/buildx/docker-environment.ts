import { type BuildRequest, usesCache } from '../../domain/build-request.ts';
import { childEnvironment, type Runtime } from '../../runtime/runtime.ts';
import { gitSafetyOfChildren } from '../commits/git-environment.ts';

/**
 * Location of docker's daemon, contexts and keys, and of a cluster. `DOCKER_CONFIG` comes from the caller: it may be the run's own
 * folder.
 */
const DOCKER_VARIABLES = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY',
  'DOCKER_API_VERSION',
  'DOCKER_CONFIG',
  'SSH_AUTH_SOCK',
  // The Kubernetes driver: the path of its configuration, and what a runner in a pod has instead.
  'KUBECONFIG',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'SOURCE_DATE_EPOCH',
];

/** Variables for caches outside the builder, passed only to builds with such a cache. */
const CACHE_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  gha: ['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_RESULTS_URL', 'ACTIONS_CACHE_URL', 'ACTIONS_CACHE_SERVICE_V2'],
  s3: [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'AWS_PROFILE',
    'AWS_ROLE_ARN',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
  ],
};

/**
 * The environment of docker and buildx: paths, and settings of BuildKit and buildx. Contains no tokens.
 * @param extra `DOCKER_CONFIG` and `BUILDX_CONFIG`, where they are not the user's own
 */
export function dockerEnvironment(
  env: Runtime['env'],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const settings = Object.keys(env).filter((name) => /^(?:BUILDX|BUILDKIT)_[A-Z0-9_]+$/.test(name));
  return childEnvironment(env, [...DOCKER_VARIABLES, ...settings], extra);
}

/**
 * {@link dockerEnvironment} plus the variables that this build names: credentials of its caches, arguments, secrets.
 */
export function buildEnvironment(
  env: Runtime['env'],
  request: BuildRequest,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const caches = Object.entries(CACHE_VARIABLES).flatMap(([type, names]) => (usesCache(request, type) ? names : []));
  const args = request.buildArgs.filter((arg) => !arg.includes('='));
  const secrets = request.secretEnvs.map(({ value }) => value);
  const own: Record<string, string> = {};
  for (const name of [...caches, ...args, ...secrets]) {
    const value = env[name];
    if (value !== undefined) own[name] = value;
  }
  return { ...dockerEnvironment(env), ...own, ...extra, ...gitSafetyOfChildren(env) };
}

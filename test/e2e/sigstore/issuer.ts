import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/** The claims of a job's token that Fulcio puts into certificates, besides `iss`, `aud` and times. */
export type Claims = Readonly<Record<string, string>>;

const SERVER = 'https://github.com';
const COMMIT = '5f0c8a51e3b34e4cbf4c3c9e1f7a3b3d4a0e6c21';

/**
 * What GitHub says of a job of `acme/app` on its main branch: https://docs.github.com/actions/reference/security/oidc
 * @param changes claims with another value; an empty one takes the claim out
 */
export function claimsOfJob(changes: Claims = {}): Claims {
  const repository = changes.repository ?? 'acme/app';
  const ref = changes.ref ?? 'refs/heads/main';
  const workflow = `${repository}/.github/workflows/release.yml@${ref}`;
  const claims = {
    sub: `repo:${repository}:ref:${ref}`,
    repository,
    repository_id: '22',
    repository_owner: repository.split('/')[0] ?? '',
    repository_owner_id: '11',
    repository_visibility: 'private',
    ref,
    sha: COMMIT,
    event_name: 'push',
    workflow: 'release',
    workflow_ref: workflow,
    workflow_sha: COMMIT,
    job_workflow_ref: workflow,
    job_workflow_sha: COMMIT,
    runner_environment: 'github-hosted',
    run_id: '33',
    run_attempt: '1',
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== ''));
}

export interface Issuer {
  readonly url: string;
  /** What a job with `id-token: write` has in its environment. */
  readonly environment: (changes?: Claims) => Record<string, string>;
  readonly token: (changes?: Claims) => string;
  readonly close: () => Promise<void>;
}

/** An OIDC issuer on loopback that answers as GitHub's does, and signs whatever claims it is asked for. */
export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const requestToken = 'request-token-of-the-job';
  let url = '';
  const sign = (claims: Claims, audience: string): string => {
    const now = Math.floor(Date.now() / 1000);
    const body = { ...claims, iss: url, aud: audience, iat: now, nbf: now - 5, exp: now + 300 };
    const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'loopback' })}.${encode(body)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (pathname === '/.well-known/openid-configuration') {
      return answer(200, {
        issuer: url,
        jwks_uri: `${url}/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    }
    if (pathname === '/jwks') {
      const key = publicKey.export({ format: 'jwk' });
      return answer(200, { keys: [{ ...key, kid: 'loopback', alg: 'RS256', use: 'sig' }] });
    }
    const audience = searchParams.get('audience');
    if (pathname !== '/token' || audience === null) return answer(404, {});
    if (request.headers.authorization !== `Bearer ${requestToken}`) return answer(401, {});
    const claims = Object.fromEntries([...searchParams].filter(([name]) => name !== 'audience'));
    const value = sign(claims, audience);
    return answer(200, { count: value.length, value });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The issuer has no port.');
  url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    environment: (changes) => ({
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?${new URLSearchParams(claimsOfJob(changes))}`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    }),
    token: (changes) => sign(claimsOfJob(changes), 'sigstore'),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Fulcio's configuration for this issuer: https://github.com/sigstore/fulcio/blob/main/config/identity/config.yaml */
export function fulcioConfiguration(issuer: string): unknown {
  return {
    'oidc-issuers': {
      [issuer]: {
        'issuer-url': issuer,
        'client-id': 'sigstore',
        type: 'ci-provider',
        'ci-provider': 'github-workflow',
      },
    },
    'ci-issuer-metadata': {
      'github-workflow': {
        // Every templated claim must be in the token or have a default: jobs without an environment have no such claim.
        'default-template-values': { url: SERVER, environment: '' },
        'extension-templates': EXTENSIONS,
        'subject-alternative-name-template': '{{ .url }}/{{ .job_workflow_ref }}',
      },
    },
  };
}

const EXTENSIONS = {
  'github-workflow-trigger': 'event_name',
  'github-workflow-sha': 'sha',
  'github-workflow-name': 'workflow',
  'github-workflow-repository': 'repository',
  'github-workflow-ref': 'ref',
  'build-signer-uri': '{{ .url }}/{{ .job_workflow_ref }}',
  'build-signer-digest': 'job_workflow_sha',
  'runner-environment': 'runner_environment',
  'source-repository-uri': '{{ .url }}/{{ .repository }}',
  'source-repository-digest': 'sha',
  'source-repository-ref': 'ref',
  'source-repository-identifier': 'repository_id',
  'source-repository-owner-uri': '{{ .url }}/{{ .repository_owner }}',
  'source-repository-owner-identifier': 'repository_owner_id',
  'build-config-uri': '{{ .url }}/{{ .workflow_ref }}',
  'build-config-digest': 'workflow_sha',
  'build-trigger': 'event_name',
  'run-invocation-uri': '{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}',
  'source-repository-visibility-at-signing': 'repository_visibility',
  'deployment-environment': 'environment',
} as const;

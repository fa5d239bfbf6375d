import type { ErrorCode } from './catalogue.ts';

/** What a registry said, as far as it matters for the cause. */
export interface RegistryAnswer {
  readonly host: string;
  /** `keyless` is the exchange of GitHub's OIDC token at a cloud's token service. */
  readonly operation: 'read' | 'write' | 'delete' | 'token' | 'keyless';
  readonly status: number;
  /** `errors[0].code` of the body, upper case, when there is one. */
  readonly code?: string;
  /** Message and detail of the body, or the beginning of a body of another form. Bounded by the caller. */
  readonly message?: string;
}

interface Rule {
  readonly to: ErrorCode;
  readonly host?: RegExp;
  readonly operation?: RegistryAnswer['operation'];
  readonly status?: readonly number[];
  readonly code?: RegExp;
  readonly message?: RegExp;
}

/**
 * Rules from the most to the least particular; the first that fits decides. This table is the only place that looks at
 * status codes or words of others. `test/fixtures/registry-errors` holds a recorded body for each row.
 */
const RULES: readonly Rule[] = [
  // Immutable tags, in each vendor's words (docker/buildx#3776, goharbor middleware, quay 3.17, ACR locks, kaniko#1095).
  {
    to: 'TAG_IMMUTABLE',
    code: /^(TAG_INVALID|IMAGETAGALREADYEXISTSEXCEPTION)$/,
    message: /immutable|cannot be overwritten/i,
  },
  { to: 'TAG_IMMUTABLE', status: [409], code: /^(TAG_IMMUTABLE|TAG_ALREADY_EXISTS)$/ },
  { to: 'TAG_IMMUTABLE', status: [412], code: /^PRECONDITION$/, message: /immutable/i },
  { to: 'TAG_IMMUTABLE', code: /^REGISTRY_DISALLOWED_OPERATION$/, operation: 'write' },
  {
    to: 'TAG_IMMUTABLE',
    status: [400, 403, 409],
    message: /\bimmutable\b|cannot be overwritten|updating existing tags/i,
    operation: 'write',
  },
  {
    to: 'TAG_IMMUTABLE',
    status: [400, 403],
    code: /^MANIFEST_INVALID$/,
    message: /403 Forbidden/i,
    operation: 'write',
  },
  // Docker Hub's two limits are not the same thing: https://docs.docker.com/docker-hub/usage/pulls/
  { to: 'PULL_LIMIT', status: [429], message: /pull rate limit/i },
  { to: 'TOO_MANY_REQUESTS', status: [429] },
  { to: 'TOO_MANY_REQUESTS', code: /^(TOOMANYREQUESTS|TOO_MANY_REQUESTS?|THROTTLINGEXCEPTION)$/ },
  // Expired credentials: ECR answers 403, ECR Public 400 without a challenge (aws-ecr-orb#277, containers-roadmap#2835).
  { to: 'TOKEN_EXPIRED', status: [400, 401, 403], message: /token (has|is) expired|expired token/i },
  { to: 'GHCR_PACKAGE_NOT_LINKED', host: /^ghcr\.io$/, message: /write_package|installation not allowed/i },
  {
    to: 'QUOTA_EXCEEDED',
    message: /quota|configured upper limit|no space left|insufficient storage|storage limit|LimitExceeded/i,
  },
  { to: 'QUOTA_EXCEEDED', status: [507] },
  { to: 'UNAUTHORIZED', status: [401] },
  { to: 'UNAUTHORIZED', code: /^UNAUTHORIZED$/, status: [400, 403] },
  { to: 'REPOSITORY_UNKNOWN', code: /^(NAME_UNKNOWN|REPOSITORYNOTFOUNDEXCEPTION)$/ },
  { to: 'NAME_INVALID', code: /^NAME_INVALID$/ },
  { to: 'TOO_LARGE', status: [413] },
  { to: 'TOO_LARGE', status: [416], message: /exceeds the maximum permissible limit/i },
  {
    to: 'UPLOAD_REJECTED',
    code: /^(DIGEST_INVALID|SIZE_INVALID|BLOB_UPLOAD_INVALID|BLOB_UPLOAD_UNKNOWN|RANGE_INVALID)$/,
  },
  {
    to: 'MANIFEST_INVALID',
    code: /^(MANIFEST_INVALID|MANIFEST_BLOB_UNKNOWN|MANIFEST_UNVERIFIED|TAG_INVALID|BLOB_UNKNOWN)$/,
    operation: 'write',
  },
  { to: 'MANIFEST_UNKNOWN', code: /^(MANIFEST_UNKNOWN|BLOB_UNKNOWN|NOT_FOUND)$/ },
  { to: 'DENIED', status: [403] },
  { to: 'DENIED', code: /^DENIED$/ },
  { to: 'UNSUPPORTED', status: [405, 501] },
  { to: 'UNSUPPORTED', code: /^UNSUPPORTED$/ },
  { to: 'MANIFEST_UNKNOWN', status: [404], operation: 'read' },
  { to: 'REPOSITORY_UNKNOWN', status: [404] },
  { to: 'UPLOAD_REJECTED', status: [416] },
  { to: 'REGISTRY_UNAVAILABLE', status: [408, 425, 499, 500, 502, 503, 504, 522, 524] },
  { to: 'REGISTRY_UNAVAILABLE', code: /^(UNKNOWN|UNAVAILABLE)$/ },
];

/**
 * The row of the catalogue for what a registry answered. Pure.
 * @returns REGISTRY_REFUSED when no rule fits
 */
export function classify(answer: RegistryAnswer): ErrorCode {
  const fits = (rule: Rule) =>
    (rule.host?.test(answer.host) ?? true) &&
    (rule.operation === undefined || rule.operation === answer.operation) &&
    (rule.status?.includes(answer.status) ?? true) &&
    (rule.code?.test(answer.code ?? '') ?? true) &&
    (rule.message?.test(answer.message ?? '') ?? true);
  return RULES.find(fits)?.to ?? 'REGISTRY_REFUSED';
}

/** Error codes of Node's sockets and TLS: what a request that got no answer at all died of. */
const NETWORK: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_|ERR_SSL|EPROTO)/, 'TLS_UNTRUSTED'],
  [
    /^(ENOTFOUND|EAI_|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_PREMATURE_CLOSE|HPE_)/,
    'REGISTRY_UNREACHABLE',
  ],
];

/** The row for a failed connection, by the `code` of Node's error; undefined when it is not one. */
export function classifyNetwork(code: string | undefined): ErrorCode | undefined {
  return NETWORK.find(([pattern]) => pattern.test(code ?? ''))?.[1];
}

import type { ErrorCode } from './catalogue.ts';

/** The relevant parts of a registry's response. */
export interface RegistryAnswer {
  readonly host: string;
  /** `keyless` is the exchange of GitHub's OIDC token at a cloud's token service. */
  readonly operation: 'read' | 'write' | 'delete' | 'token' | 'keyless';
  readonly status: number;
  /** `errors[0].code` of the body in upper case, if any. */
  readonly code?: string;
  /** Message and detail of the body, or the beginning of a body in another format. Bounded by the caller. */
  readonly message?: string;
  /** The body is a web page. */
  readonly isPage?: true;
}

interface Rule {
  readonly to: ErrorCode;
  readonly host?: RegExp;
  readonly operation?: readonly RegistryAnswer['operation'][];
  readonly status?: readonly number[];
  readonly code?: RegExp;
  readonly message?: RegExp;
}

/** Describes a tag or a repository, rather than being part of a name: `acme/immutable` is no reason. */
const IMMUTABLE = /\b(?:is|are|as) immutable\b|\bimmutable tags\b|cannot be overwritten|updating existing tags/i;
const WRITES = ['write', 'delete'] as const;
const KEYLESS = ['keyless'] as const;
const DOCKER = /^(?:docker\.io|(?:registry-1|auth|index)\.docker\.io|hub\.docker\.com)$/;
const REFUSED = [400, 401, 403, 404, 422] as const;

/**
 * Rules in order of specificity; the first match decides. Only this table derives causes from status codes and messages
 * of other systems. `test/fixtures/registry-errors` has a recorded body for each row.
 */
const RULES: readonly Rule[] = [
  // Cloud token services. Entra has numbers, whose texts name all claims at once; the others have messages.
  // https://learn.microsoft.com/entra/identity-platform/reference-error-codes
  { to: 'ID_TOKEN_AUDIENCE', operation: KEYLESS, message: /\bAADSTS700212\b/ },
  { to: 'ID_TOKEN_SUBJECT', operation: KEYLESS, message: /\bAADSTS(?:70021|700211|700213)\b/ },
  { to: 'ID_TOKEN_EXPIRED', operation: KEYLESS, message: /\bAADSTS700024\b/ },
  { to: 'REGISTRY_UNAVAILABLE', operation: KEYLESS, message: /\bAADSTS(?:90006|90033)\b/ },
  { to: 'KEYLESS_REFUSED', operation: KEYLESS, status: REFUSED, message: /\bAADSTS\d+\b/ },
  { to: 'TOO_MANY_REQUESTS', operation: KEYLESS, code: /^THROTTL/ },
  // Google's message for a missing provider mentions an audience, which no token setting can fix.
  { to: 'KEYLESS_REFUSED', operation: KEYLESS, code: /^INVALID_TARGET$/ },
  { to: 'ID_TOKEN_AUDIENCE', operation: KEYLESS, status: REFUSED, message: /\baud(?:ience)?\b/i },
  { to: 'ID_TOKEN_EXPIRED', operation: KEYLESS, status: REFUSED, code: /^EXPIREDTOKEN/ },
  { to: 'ID_TOKEN_EXPIRED', operation: KEYLESS, status: REFUSED, message: /\bexp(?:ired)?\b|\bstale\b/i },
  {
    to: 'ID_TOKEN_SUBJECT',
    operation: KEYLESS,
    status: REFUSED,
    message:
      /attribute condition|mapped attribute|\bclaims?\b|identity mappings?|\bsub(?:ject)?\b|\bruleset|AssumeRoleWithWebIdentity/i,
  },
  // Docker sends no message if no ruleset of the connection matches.
  { to: 'ID_TOKEN_SUBJECT', operation: KEYLESS, host: /^identity\.docker\.com$/, status: [401], message: /^$/ },
  { to: 'KEYLESS_REFUSED', operation: KEYLESS, status: REFUSED },
  // Immutable tags, in each vendor's words (docker/buildx#3776, goharbor middleware, quay 3.17, ACR locks,
  // kaniko#1095).
  {
    to: 'TAG_IMMUTABLE',
    code: /^TAG_INVALID$/,
    message: IMMUTABLE,
  },
  { to: 'TAG_IMMUTABLE', code: /^IMAGETAGALREADYEXISTSEXCEPTION$/ },
  { to: 'TAG_IMMUTABLE', status: [409], code: /^(TAG_IMMUTABLE|TAG_ALREADY_EXISTS)$/ },
  { to: 'TAG_IMMUTABLE', status: [412], code: /^PRECONDITION$/, message: IMMUTABLE },
  { to: 'TAG_IMMUTABLE', code: /^REGISTRY_DISALLOWED_OPERATION$/, operation: WRITES },
  // Artifact Registry (FAILED_PRECONDITION of its API), GitLab's protected and immutable tags, Nexus without redeploy.
  { to: 'TAG_IMMUTABLE', code: /^FAILED_PRECONDITION$/, message: IMMUTABLE },
  {
    to: 'TAG_IMMUTABLE',
    status: [400, 403],
    message: /protected tag|does not allow updating|repository does not allow (?:updating|overwrit)/i,
    operation: WRITES,
  },
  {
    to: 'TAG_IMMUTABLE',
    status: [400, 403, 409],
    message: IMMUTABLE,
    operation: WRITES,
  },
  {
    to: 'TAG_IMMUTABLE',
    status: [400, 403],
    code: /^MANIFEST_INVALID$/,
    message: /403 Forbidden/i,
    operation: WRITES,
  },
  // Harbor withholds an image whose findings violate its policy (goharbor/harbor#18792).
  { to: 'PULL_BLOCKED', status: [403, 412], code: /^PROJECTPOLICYVIOLATION$/ },
  { to: 'PULL_BLOCKED', message: /cannot be pulled due to configured policy/i },
  {
    to: 'READ_ONLY',
    message:
      /read[ -]?only mode|(?:registry|currently) (?:is )?read[ -]?only|is currently read[ -]?only|is set to read[ -]?only|NEXUS-25275|repository is read[ -]?only/i,
    operation: WRITES,
  },
  {
    to: 'READ_ONLY',
    status: [403, 405],
    message: /proxy (?:cache )?project|pull[- ]through cache/i,
    operation: WRITES,
  },
  // Deletions that would break something: children of an index, images with a tag.
  {
    to: 'IMAGE_IN_USE',
    code: /^(IMAGEREFERENCEDBYMANIFESTLIST|GOOGLE_MANIFEST_DANGLING_(?:TAG|PARENT_IMAGE)|VIOLATE_FOREIGN_KEY_CONSTRAINT|REPOSITORYNOTEMPTYEXCEPTION)$/,
  },
  // zot: https://github.com/project-zot/zot/blob/main/pkg/api/routes.go
  { to: 'IMAGE_IN_USE', operation: ['delete'], status: [405], code: /^DENIED$/ },
  {
    to: 'IMAGE_IN_USE',
    operation: ['delete'],
    message: /still referenced|referenced by|last tagged version|more than 5,?000 downloads/i,
  },
  // The network rules of a registry (ACR's firewall, private endpoints): https://aka.ms/acr/firewall
  { to: 'NETWORK_BLOCKED', status: [403], message: /client with IP|is not allowed access|firewall|private endpoint/i },
  // Docker Hub's two limits differ: https://docs.docker.com/docker-hub/usage/pulls/
  { to: 'PULL_LIMIT', status: [429], message: /pull rate limit/i },
  { to: 'ABUSE_LIMIT', status: [429], host: DOCKER, message: /^(?!.*\{)(?:.*too many requests.*)?$/is },
  { to: 'TOO_MANY_REQUESTS', status: [429] },
  { to: 'TOO_MANY_REQUESTS', status: [403], message: /rate limit/i },
  {
    to: 'TOO_MANY_REQUESTS',
    code: /^(TOOMANYREQUESTS|TOO_MANY_REQUESTS?|THROTTLING(?:EXCEPTION)?|THROTTLEEXCEPTION|RESOURCE_EXHAUSTED)$/,
  },
  // Expired credentials: ECR answers 403, ECR Public 400 without a challenge (aws-ecr-orb#277, containers-roadmap#2835).
  { to: 'TOKEN_EXPIRED', status: [400, 401, 403], message: /token (has|is) expired|expired token|token expired/i },
  { to: 'GHCR_PACKAGE_NOT_LINKED', host: /^ghcr\.io$/, message: /write_package|installation not allowed/i },
  {
    to: 'QUOTA_EXCEEDED',
    status: [400, 403, 405, 413, 500, 507],
    message:
      /quota (?:has been |was |is )?exceeded|(?:exceed(?:s|ed|ing)?|over) (?:the |your )?(?:storage |disk )?quota|configured upper limit|no space left|insufficient storage|storage limit/i,
  },
  { to: 'QUOTA_EXCEEDED', status: [507] },
  { to: 'QUOTA_EXCEEDED', code: /^(LIMITEXCEEDEDEXCEPTION|TOO_MANY_TAGS_REQUESTED)$/ },
  {
    to: 'UNAUTHORIZED',
    code: /^(UNRECOGNIZEDCLIENTEXCEPTION|INVALIDSIGNATUREEXCEPTION|INVALIDCLIENTTOKENID|CONNECTIVITY_REFRESH_TOKEN_ERROR|UNAUTHENTICATED)$/,
  },
  { to: 'TOKEN_EXPIRED', code: /^EXPIREDTOKEN(?:EXCEPTION)?$/ },
  { to: 'UNAUTHORIZED', status: [401] },
  { to: 'UNAUTHORIZED', code: /^UNAUTHORIZED$/, status: [400, 403] },
  { to: 'REPOSITORY_UNKNOWN', code: /^(NAME_UNKNOWN|REPOSITORYNOTFOUNDEXCEPTION)$/ },
  { to: 'NAME_INVALID', code: /^NAME_INVALID$/ },
  { to: 'TOO_LARGE', status: [413] },
  { to: 'TOO_LARGE', code: /^SIZE_INVALID$/, message: /exceeds|too large|maximum/i },
  { to: 'TOO_LARGE', status: [416], message: /exceeds the maximum permissible limit/i },
  {
    to: 'UPLOAD_REJECTED',
    operation: ['write'],
    code: /^(LAYERPARTTOOSMALLEXCEPTION|DIGEST_INVALID|SIZE_INVALID|BLOB_UPLOAD_INVALID|BLOB_UPLOAD_UNKNOWN|RANGE_INVALID)$/,
  },
  { to: 'BLOB_UNKNOWN', code: /^(LAYERSNOTFOUNDEXCEPTION|MANIFEST_BLOB_UNKNOWN|BLOB_UNKNOWN)$/, operation: WRITES },
  {
    to: 'MANIFEST_INVALID',
    code: /^(REFERENCEDIMAGESNOTFOUNDEXCEPTION|MANIFEST_INVALID|MANIFEST_UNVERIFIED|TAG_INVALID)$/,
    operation: WRITES,
  },
  { to: 'MANIFEST_UNKNOWN', code: /^(MANIFEST_UNKNOWN|BLOB_UNKNOWN|NOT_FOUND|IMAGENOTFOUNDEXCEPTION)$/ },
  { to: 'DENIED', status: [403] },
  {
    to: 'DENIED',
    code: /^(DENIED|ACCESSDENIED(?:EXCEPTION)?|PERMISSION_DENIED|KMSEXCEPTION|BLOCKEDBYORGANIZATIONPOLICYEXCEPTION)$/,
  },
  { to: 'UNSUPPORTED', status: [405, 501] },
  { to: 'UNSUPPORTED', code: /^UNSUPPORTED$/ },
  { to: 'MANIFEST_UNKNOWN', status: [404], operation: ['read'] },
  { to: 'REPOSITORY_UNKNOWN', status: [404] },
  { to: 'UPLOAD_REJECTED', status: [416], operation: ['write'] },
  { to: 'REGISTRY_UNAVAILABLE', status: [408, 425, 499, 500, 502, 503, 504, 522, 524] },
  { to: 'REGISTRY_UNAVAILABLE', code: /^(UNKNOWN|UNAVAILABLE|SERVEREXCEPTION|INTERNALFAILURE)$/ },
];

/**
 * Classifies a registry's response. Pure.
 * @returns REGISTRY_REFUSED when no rule matches
 */
export function classify(answer: RegistryAnswer): ErrorCode {
  const fits = (rule: Rule) =>
    (rule.host?.test(answer.host) ?? true) &&
    (rule.operation?.includes(answer.operation) ?? true) &&
    (rule.status?.includes(answer.status) ?? true) &&
    (rule.code?.test(answer.code ?? '') ?? true) &&
    (rule.message?.test(answer.message ?? '') ?? true);
  return RULES.find(fits)?.to ?? 'REGISTRY_REFUSED';
}

/** Error codes of Node's sockets and TLS, for requests without a response. */
const NETWORK: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_|ERR_SSL|EPROTO)/, 'TLS_UNTRUSTED'],
  [
    /^(ENOTFOUND|EAI_|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_PREMATURE_CLOSE|HPE_)/,
    'REGISTRY_UNREACHABLE',
  ],
];

/** Classifies a failed connection by the `code` of Node's error; undefined for other errors. */
export function classifyNetwork(code: string | undefined): ErrorCode | undefined {
  return NETWORK.find(([pattern]) => pattern.test(code ?? ''))?.[1];
}

import type { UpstreamRegistry } from '@aws-sdk/client-ecr';

export interface Upstream {
  readonly url: string;
  readonly registry: UpstreamRegistry;
  /** Whether ECR refuses it without credentials. */
  readonly needsSecret: boolean;
}

const KNOWN: Readonly<Record<string, Upstream>> = {
  'docker.io': { url: 'registry-1.docker.io', registry: 'docker-hub', needsSecret: true },
  'registry-1.docker.io': { url: 'registry-1.docker.io', registry: 'docker-hub', needsSecret: true },
  'ghcr.io': { url: 'ghcr.io', registry: 'github-container-registry', needsSecret: true },
  'registry.gitlab.com': { url: 'registry.gitlab.com', registry: 'gitlab-container-registry', needsSecret: true },
  'cgr.dev': { url: 'cgr.dev', registry: 'chainguard', needsSecret: true },
  'quay.io': { url: 'quay.io', registry: 'quay', needsSecret: false },
  'registry.k8s.io': { url: 'registry.k8s.io', registry: 'k8s', needsSecret: false },
  'public.ecr.aws': { url: 'public.ecr.aws', registry: 'ecr-public', needsSecret: false },
};

/**
 * An upstream by its host; undefined when Amazon ECR has no cache for it.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
 */
export function upstreamOf(host: string): Upstream | undefined {
  const known = Object.hasOwn(KNOWN, host) ? KNOWN[host] : undefined;
  if (known !== undefined) return known;
  if (/^[a-z0-9]+\.azurecr\.io$/.test(host))
    return { url: host, registry: 'azure-container-registry', needsSecret: true };
  if (/^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(host))
    return { url: host, registry: 'ecr', needsSecret: false };
  return undefined;
}

export const UPSTREAMS = [
  ...Object.keys(KNOWN).filter((host) => host !== 'registry-1.docker.io'),
  '<name>.azurecr.io',
  '<account>.dkr.ecr.<region>.amazonaws.com',
];

const SECRET = /^ecr-pullthroughcache\/[\w/+=.@-]+$/;

/** Whether a reference is one that Amazon ECR accepts: a secret by name or by ARN. */
export function isSecretReference(text: string): boolean {
  return (
    SECRET.test(text) ||
    /^arn:aws(?:-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr-pullthroughcache\/[\w/+=.@-]+$/.test(text)
  );
}

/** The ARN of a secret; one that is named stands for the one of this account and region. */
export function secretArn(
  text: string,
  { account, region, partition }: { readonly account: string; readonly region: string; readonly partition: string },
): string {
  return text.startsWith('arn:') ? text : `arn:${partition}:secretsmanager:${region}:${account}:secret:${text}`;
}

/** Whether two references mean one secret: Secrets Manager adds six characters to the name in the ARN. */
export function isSameSecret(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || a === withoutSuffix(b) || withoutSuffix(a) === b;
}

const withoutSuffix = (arn: string) => arn.replace(/-[A-Za-z0-9]{6}$/, '');

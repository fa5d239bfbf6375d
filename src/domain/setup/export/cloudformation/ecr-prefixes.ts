import { sorted } from '../../compare.ts';
import type { CacheRule, CreationTemplate, EcrLive } from '../../ecr/live.ts';
import { isSameSecret } from '../../ecr/upstream.ts';
import { encryptionProperties, mutabilityProperties, tagsProperty } from './ecr-repository.ts';
import type { EcrSource } from './ecr-source.ts';
import type { MissingPart, Parameter, Properties, Resource, Resources } from './resource.ts';

/** Creation templates of the file, and those that its caches need. Those of others are not part of the stack. */
export function templateResources({ desired, live, planned }: EcrSource): Resources {
  const named = new Map([
    ...(desired.cache?.value ?? []).flatMap(({ prefix, pull, line }) =>
      pull.length === 0 ? [] : [[prefix, line] as const],
    ),
    ...(desired.templates?.value ?? []).map(({ prefix, line }) => [prefix, line] as const),
  ]);
  const templates = (state: EcrLive) => (state.templates?.ok === true ? state.templates.value : []);
  const find = (state: EcrLive, prefix: string) => templates(state).find((each) => each.prefix === prefix);
  const resources = [...named].flatMap(([prefix, line]): readonly Resource[] => {
    const after = find(planned, prefix);
    if (after === undefined) return [];
    const before = find(live, prefix);
    return [
      {
        type: 'AWS::ECR::RepositoryCreationTemplate',
        name: `template:${prefix}`,
        about: `template ${prefix} of ${desired.key}`,
        line,
        properties: templateProperties(after),
        present: before === undefined ? undefined : templateProperties(before),
        identifier: { Prefix: prefix },
      },
    ];
  });
  return { resources, leftOut: [] };
}

function templateProperties(template: CreationTemplate): Properties {
  const { prefix, appliedFor, description, repositoryPolicy, lifecyclePolicy, role } = template;
  return {
    Prefix: prefix,
    AppliedFor: [...sorted(appliedFor)],
    ...(description === undefined ? {} : { Description: description }),
    ...mutabilityProperties(template),
    ...encryptionProperties(template.encryption),
    // Texts here, unlike the properties of a repository.
    ...(repositoryPolicy === undefined ? {} : { RepositoryPolicy: repositoryPolicy }),
    ...(lifecyclePolicy === undefined ? {} : { LifecyclePolicy: lifecyclePolicy }),
    ...tagsProperty('ResourceTags', template.tags),
    ...(role === undefined ? {} : { CustomRoleArn: role }),
  };
}

/**
 * Pull-through caches of the file. All that a rule has is fixed in CloudFormation: a change would make a new rule of the same prefix
 * beside it, which AWS refuses. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-pullthroughcacherule.html
 */
export function cacheResources({ desired, live, planned }: EcrSource): Resources {
  const resources: Resource[] = [];
  const leftOut: MissingPart[] = [];
  const caches = (state: EcrLive) => (state.caches?.ok === true ? state.caches.value : []);
  for (const { prefix, line } of desired.cache?.value ?? []) {
    const after = caches(planned).find((each) => each.prefix === prefix);
    const before = caches(live).find((each) => each.prefix === prefix);
    if (after === undefined) continue;
    const name = `cache:${prefix}`;
    const about = `cache ${prefix} of ${desired.key}`;
    const base = {
      type: 'AWS::ECR::PullThroughCacheRule',
      name,
      about,
      line,
      identifier: { EcrRepositoryPrefix: prefix },
    };
    if (before === undefined) {
      const isWhole = after.credential === undefined || SUFFIXED.test(after.credential);
      resources.push({
        ...base,
        properties: { ...cacheProperties(after), ...(isWhole ? credentialProperty(after) : {}) },
        present: undefined,
        ...(isWhole ? {} : { parameters: { CredentialArn: secretParameter(after.credential ?? '') } }),
      });
      continue;
    }
    const present = { ...cacheProperties(before), ...credentialProperty(before) };
    resources.push({ ...base, properties: present, present });
    if (!isSameSecret(before.credential, after.credential) || before.role !== after.role)
      leftOut.push({
        what: `cache ${prefix}`,
        reason:
          'CloudFormation cannot change the secret or the role of a rule: the template has those that are in force.',
        instead: 'Apply the change with `command: setup`, and export again.',
      });
  }
  return { resources, leftOut };
}

function cacheProperties({ prefix, url, upstream, upstreamPrefix, role }: CacheRule): Properties {
  return {
    EcrRepositoryPrefix: prefix,
    UpstreamRegistryUrl: url,
    ...(upstream === undefined ? {} : { UpstreamRegistry: upstream }),
    ...(upstreamPrefix === undefined || upstreamPrefix === 'ROOT' ? {} : { UpstreamRepositoryPrefix: upstreamPrefix }),
    ...(role === undefined ? {} : { CustomRoleArn: role }),
  };
}

function credentialProperty({ credential }: CacheRule): Properties {
  return credential === undefined ? {} : { CredentialArn: credential };
}

/** Secrets Manager adds six characters to the name of a secret, and CloudFormation needs the ARN with them. */
const SUFFIXED = /-[A-Za-z0-9]{6}$/;

function secretParameter(arn: string): Parameter {
  const secret = arn.split(':secret:')[1] ?? arn;
  return {
    description: `ARN of the secret ${secret}, with the six characters that AWS adds to its name`,
    pattern:
      '^arn:[a-zA-Z-]+:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+-[a-zA-Z0-9]{6}$',
  };
}

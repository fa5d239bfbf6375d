import { RE2JS } from 're2js';
import { shortDigest } from '../../../domain/digest.ts';
import type { EcrRequest } from '../../../domain/setup/ecr/request.ts';
import { ActionError } from '../../../errors/action-error.ts';
import type { SetupContext } from '../../setup-port.ts';
import { lifecyclePolicy } from '../ecr-lifecycle-api.ts';
import type { AskEcr } from './ask-ecr.ts';

type PutLifecycle = Extract<EcrRequest, { readonly operation: 'PutLifecyclePolicy' }>;

interface PreviewContext {
  readonly ask: AskEcr;
  readonly account: string;
  readonly host: string;
  readonly clock: SetupContext['clock'];
}

/**
 * Lets Amazon ECR preview a lifecycle policy before it is set.
 * @returns how many images it expires now; undefined: none
 * @throws ActionError SETUP_CONFLICT when an image with a protected tag would expire
 */
export async function previewed(
  { input, spared }: PutLifecycle,
  { ask, account: registryId, host, clock }: PreviewContext,
): Promise<string | undefined> {
  const { repositoryName = '', lifecyclePolicyText = '' } = input;
  const policy = lifecyclePolicy({ host, repository: repositoryName, clock }, { registryId, repositoryName }, ask);
  const { digests, tags } = await policy.preview(JSON.parse(lifecyclePolicyText));
  const patterns = spared.map((source) => RE2JS.compile(source));
  const lost = [...tags].filter((tag) => patterns.some((pattern) => pattern.testExact(tag)));
  if (lost.length > 0) {
    const shown = lost.slice(0, 5).join(', ');
    throw new ActionError(
      'SETUP_CONFLICT',
      `${host}: the lifecycle policy of ${repositoryName} was not set, because its preview expires images with protected tags: ${shown}${lost.length > 5 ? `, and ${lost.length - 5} more` : ''}.`,
      { facts: { registry: host, repository: repositoryName } },
    );
  }
  const [first] = digests;
  if (first === undefined) return undefined;
  return digests.size === 1
    ? `It expires one image at once, ${shortDigest(first)}.`
    : `It expires ${digests.size} images at once.`;
}

import type { ECR, GetLifecyclePolicyPreviewCommandOutput } from '@aws-sdk/client-ecr';
import { type Fields, fieldsOf, isFields } from '../../domain/fields.ts';
import { isSame } from '../../domain/retention/native/dialect.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext, RetentionPreview, RetentionRules } from '../vendor.ts';
import type { Ask, EcrName } from './ecr-api.ts';
import { readSdkError } from './sdk.ts';

/** A preview of 100,000 images takes minutes. */
const PREVIEW_LIMIT_MS = 5 * 60_000;
const PREVIEW_PAUSE_MS = 2000;
const MAX_PAGES = 1100;

type PolicyContext = Pick<ManagementContext, 'host' | 'repository' | 'clock'>;

interface LifecyclePolicy extends RetentionRules {
  readonly preview: (document: unknown) => Promise<Extract<RetentionPreview, { readonly kind: 'images' }>>;
}

/**
 * The lifecycle policy of a repository, with its preview.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartLifecyclePolicyPreview.html
 */
export function lifecyclePolicy(context: PolicyContext, name: EcrName, ask: Ask<ECR>): LifecyclePolicy {
  const { host, repository } = context;
  const what = (verb: string) => `${verb} the lifecycle policy of ${repository}`;

  const preview: LifecyclePolicy['preview'] = async (document) => {
    await startPreview(context, name, ask, JSON.stringify(document));
    const digests = new Set<string>();
    const tags = new Set<string>();
    let page = await finishedPreview(context, name, ask);
    if (page.lifecyclePolicyText !== undefined && !isSame(parsePolicy(context, page.lifecyclePolicyText), document)) {
      throw new ActionError(
        'CLEANUP_STOPPED',
        `Another lifecycle policy of ${repository} was previewed at the same time. Nothing was set; run again.`,
        { facts: { registry: host, repository } },
      );
    }
    for (let count = 1; ; count += 1) {
      for (const { imageDigest, imageTags = [], action } of page.previewResults ?? []) {
        if (imageDigest === undefined) throw unexpected(host, what('the preview of'));
        if (action?.type !== 'EXPIRE') continue;
        digests.add(imageDigest);
        for (const tag of imageTags) tags.add(tag);
      }
      const { nextToken } = page;
      if (nextToken === undefined) return { kind: 'images', digests, tags };
      if (count > MAX_PAGES) throw unexpected(host, `${what('the preview of')} (its pages do not end)`);
      page = await ask('read', what('the preview of'), (client) =>
        client.getLifecyclePolicyPreview({ ...name, maxResults: 100, nextToken }),
      );
    }
  };

  return {
    scope: `${host}/${repository}`,
    name: repository,
    read: async () => {
      const answer = await ask('read', what('reading'), async (client) => {
        try {
          return await client.getLifecyclePolicy({ ...name });
        } catch (error) {
          if (readSdkError(error).name === 'LifecyclePolicyNotFoundException') return undefined;
          throw error;
        }
      });
      return answer === undefined ? null : parsePolicy(context, answer.lifecyclePolicyText);
    },
    preview,
    install: async (document, _, check) => {
      if (document === null) {
        await ask('write', what('removing'), async (client) => {
          try {
            await client.deleteLifecyclePolicy({ ...name });
          } catch (error) {
            if (readSdkError(error).name !== 'LifecyclePolicyNotFoundException') throw error;
          }
        });
        return;
      }
      check(await preview(document));
      const lifecyclePolicyText = JSON.stringify(document);
      await ask('write', what('setting'), (client) => client.putLifecyclePolicy({ ...name, lifecyclePolicyText }));
    },
  };
}

/** Amazon ECR returns the rules by priority, and may add what is the default. */
function parsePolicy({ host, repository }: PolicyContext, text: string | undefined): unknown {
  const wrong = () => unexpected(host, `the lifecycle policy of ${repository}`);
  let document: unknown;
  try {
    document = JSON.parse(text ?? '');
  } catch {
    throw wrong();
  }
  const { rules, ...others } = fieldsOf(document);
  if (!Array.isArray(rules) || !rules.every(isFields)) throw wrong();
  const sorted = rules.toSorted((a, b) => Number(a.rulePriority) - Number(b.rulePriority));
  return {
    ...others,
    rules: sorted.map((rule) => ({ ...rule, selection: withoutDefaults(fieldsOf(rule.selection)) })),
  };
}

function withoutDefaults(selection: Fields): Fields {
  const given = Object.entries(selection).filter(
    ([key, value]) =>
      !(key === 'storageClass' && value === 'standard') && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(given);
}

/** One preview of a repository runs at a time: another one is waited for. */
async function startPreview(
  { clock, host, repository }: PolicyContext,
  name: EcrName,
  ask: Ask<ECR>,
  lifecyclePolicyText: string,
): Promise<void> {
  const end = clock.now().getTime() + PREVIEW_LIMIT_MS;
  for (;;) {
    const isStarted = await ask('read', `previewing the lifecycle policy of ${repository}`, async (client) => {
      try {
        await client.startLifecyclePolicyPreview({ ...name, lifecyclePolicyText });
        return true;
      } catch (error) {
        if (readSdkError(error).name !== 'LifecyclePolicyPreviewInProgressException') throw error;
        return false;
      }
    });
    if (isStarted) return;
    if (clock.now().getTime() > end) throw tooLong(host, repository);
    await clock.sleep(PREVIEW_PAUSE_MS);
  }
}

async function finishedPreview(
  { clock, host, repository }: PolicyContext,
  name: EcrName,
  ask: Ask<ECR>,
): Promise<GetLifecyclePolicyPreviewCommandOutput> {
  const end = clock.now().getTime() + PREVIEW_LIMIT_MS;
  for (;;) {
    const page = await ask('read', `the preview of the lifecycle policy of ${repository}`, (client) =>
      client.getLifecyclePolicyPreview({ ...name, maxResults: 100 }),
    );
    if (page.status === 'COMPLETE') return page;
    if (page.status !== 'IN_PROGRESS') {
      throw new ActionError(
        'CLEANUP_STOPPED',
        `Amazon ECR could not preview the lifecycle policy of ${repository}: its status is ${page.status ?? 'unknown'}. Nothing was set.`,
        { facts: { registry: host, repository } },
      );
    }
    if (clock.now().getTime() > end) throw tooLong(host, repository);
    await clock.sleep(PREVIEW_PAUSE_MS);
  }
}

function tooLong(registry: string, repository: string): ActionError {
  return new ActionError(
    'CLEANUP_STOPPED',
    `Amazon ECR has not previewed the lifecycle policy of ${repository} in ${PREVIEW_LIMIT_MS / 60_000} minutes. Nothing was set; run again.`,
    { facts: { registry, repository } },
  );
}

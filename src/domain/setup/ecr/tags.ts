import { compared, denied, type Part, type Reading, sorted } from '../compare.ts';
import type { DesiredRepository } from '../desired-state.ts';
import { type Setting, type SetupStep, settingId } from '../setting.ts';
import type { EcrRequest } from './request.ts';

type TagRequest = Extract<EcrRequest, { readonly operation: 'TagResource' | 'UntagResource' }>;

/** Tags of a repository, merged by key: what the file does not name stays. */
export function planTags(
  { name: subject, settings }: Pick<DesiredRepository, 'name' | 'settings'>,
  arn: string,
  tags: Reading<Readonly<Record<string, string>>> | undefined,
): Part<TagRequest> {
  const { labels } = settings;
  if (labels === undefined || tags === undefined) return { settings: [] };
  const compare = [...labels].map(([key, { value, line }]) => {
    const name = { subject, name: `labels.${key}`, line };
    return tags.ok ? compared(name, tags.value[key] ?? null, value) : denied(name, value, tags.reason);
  });
  const set = compare.filter(({ action }) => action === 'create' || action === 'change');
  const removed = compare.filter(({ action }) => action === 'remove');
  const keyOf = ({ name }: Setting) => name.slice('labels.'.length);
  const steps: SetupStep<TagRequest>[] = [];
  if (set.length > 0) {
    const pairs = set.map((each) => ({ Key: keyOf(each), Value: String(each.should) }));
    const request: TagRequest = { operation: 'TagResource', input: { resourceArn: arn, tags: pairs } };
    steps.push({ id: `${subject} labels`, subject, settings: set.map(settingId), request });
  }
  if (removed.length > 0) {
    const input = { resourceArn: arn, tagKeys: [...sorted(removed.map(keyOf))] };
    const request: TagRequest = { operation: 'UntagResource', input };
    steps.push({ id: `${subject} labels removed`, subject, settings: removed.map(settingId), request });
  }
  return { settings: compare, steps };
}

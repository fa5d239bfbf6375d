import { readFileSync } from 'node:fs';
import { errorReply } from './registry-exchange.ts';
import type { Need, RegistryAuth } from './registry-tokens.ts';
import type { harborDouble } from './vendors/harbor.ts';

/** What Harbor answered to one request. The parts that say nothing (ids, times) are left out. */
export interface HarborAnswer {
  readonly request: string;
  /** An administrator, a user who may only pull, a robot account with push and pull, or no login. */
  readonly as: 'admin' | 'reader' | 'robot$ci' | 'anonymous';
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  /** The header `www-authenticate`. */
  readonly challenge?: string;
  /** What a token grants. */
  readonly actions?: readonly string[];
  /** The header `x-total-count`. */
  readonly total?: number;
  /** Of an artifact that was never pulled. */
  readonly pullTime?: string;
}

/** Answers of a real Harbor 2.16 with the project `team`, by what they are about. */
export const HARBOR_ANSWERS: Readonly<Record<string, HarborAnswer>> = JSON.parse(
  readFileSync(new URL('../fixtures/harbor-answers.json', import.meta.url), 'utf8'),
).answers;

type Auth = Extract<RegistryAuth, { readonly decides: unknown }>;

/**
 * Refusals of the double in the recorded words of the real server: of the double comes only which of them it is.
 * @param used gets what the answers were about
 */
export function inRecordedWords(
  { auth, state }: Pick<ReturnType<typeof harborDouble>, 'auth' | 'state'>,
  used: Set<string>,
): Auth {
  const about = (authorization: string, { repository, action }: Need) => {
    if (!authorization.startsWith('Bearer ')) return 'challenge';
    const isMissing = !state.projects.has(repository.split('/')[0] ?? '');
    if (isMissing) return action === 'pull' ? 'manifest in a missing project' : 'upload to a missing project';
    return 'upload without the right to push';
  };
  const decides: Auth['decides'] = (authorization, needs) => {
    const [need] = needs;
    const reply = auth.decides(authorization, needs);
    if (reply === undefined || need === undefined) return reply;
    const name = about(authorization, need);
    used.add(name);
    const answer = HARBOR_ANSWERS[name];
    if (answer === undefined) throw new Error(`There is no recorded answer about: ${name}`);
    const rename = (text: string) => text.replaceAll(/(?:team|missing)\/(?:org\/)?app/g, need.repository);
    const challenge = HARBOR_ANSWERS.challenge?.challenge?.replace(/:pull"$/, `:${need.action}"`);
    const { status, code = '', message = 'unauthorized' } = answer;
    return errorReply(status, code, rename(message), undefined, { 'www-authenticate': rename(challenge ?? '') });
  };
  return { decides };
}

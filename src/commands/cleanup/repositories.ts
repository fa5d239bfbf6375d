import type { Image } from '../../domain/images.ts';
import { type ImageName, parseImageName } from '../../domain/reference.ts';
import type { CleanupPlan } from '../../domain/retention/plan.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { ActionError } from '../../errors/action-error.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import { inputError } from '../../inputs/read-table.ts';

interface Sources {
  readonly policy: CleanupPolicy;
  readonly approved: { readonly plan: CleanupPlan; readonly path: string } | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The repositories of a run: those that are named, or those of the plan, or those that the policy names in full, or the one of the
 * workflow's repository.
 * @param images of the input
 * @throws ActionError PLAN_UNUSABLE when the plan is about a repository that is not named; INPUT_INVALID when there is none at all
 */
export function repositoriesOf(images: readonly Image[], { policy, approved, env }: Sources): readonly ImageName[] {
  const named = images.map(({ reference }) => reference);
  if (approved !== undefined) return planned(named, approved);
  if (named.length > 0) return named;
  const inPolicy = policy.repositories.flatMap(({ match }) =>
    match.flatMap(({ isLiteral, negated, text }) => {
      const [host = ''] = text.split('/', 1);
      const name = parseImageName(text);
      return isLiteral && !negated && name.ok && /[.:]|^localhost$/.test(host) ? [name.value] : [];
    }),
  );
  if (inPolicy.length > 0) return [...new Map(inPolicy.map((each) => [each.name, each])).values()];
  const isForAll = policy.repositories.every(({ match }) => match.some(({ text }) => text === '**'));
  const own = !isForAll ? [] : withDefaultImage([], env).images.map(({ reference }) => reference);
  if (own.length > 0) return own;
  throw inputError([
    {
      input: 'images',
      text: 'it is empty, and the policy names no repository in full: patterns only choose among `images`. Add for instance `images: registry.example.com/org/app`.',
    },
  ]);
}

function planned(named: readonly ImageName[], { plan, path }: NonNullable<Sources['approved']>): readonly ImageName[] {
  const found = plan.repositories.map(({ repository }) => parseImageName(repository));
  const names = found.flatMap((each) => (each.ok ? [each.value] : []));
  const foreign = names.find(({ name }) => named.length > 0 && !named.some((each) => each.name === name));
  if (names.length < found.length || foreign !== undefined) {
    const what = foreign === undefined ? 'something that is no repository' : foreign.name;
    throw new ActionError('PLAN_UNUSABLE', `The plan ${path} is about ${what}, which \`images\` does not name.`, {
      facts: { input: 'plan', file: path },
    });
  }
  return names;
}

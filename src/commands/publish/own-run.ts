import type { Runtime } from '../../runtime/runtime.ts';

/** Id and attempt of this run. https://docs.github.com/actions/reference/workflows-and-actions/variables */
export function ownRun(env: Runtime['env']): { readonly id: string; readonly attempt: number } {
  return {
    id: (env.GITHUB_RUN_ID ?? '').replaceAll(/\D/g, ''),
    attempt: Math.max(1, Math.trunc(Number(env.GITHUB_RUN_ATTEMPT ?? '1')) || 1),
  };
}

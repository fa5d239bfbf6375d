import { createHash } from 'node:crypto';
import type { Inputs } from '../../inputs/parse.ts';

/**
 * The inputs that decide what a build makes. What names the result (tags, labels, version) is not among them: an image that
 * was published from a branch is the same image when a git tag comes for the same commit. Secrets are left out by value;
 * which ones there are counts.
 */
const DECISIVE = [
  'context',
  'file',
  'target',
  'platforms',
  'build-args',
  'build-contexts',
  'network',
  'add-hosts',
  'allow',
  'shm-size',
  'ulimit',
  'provenance',
  'sbom',
] as const satisfies readonly (keyof Inputs)[];

/** A digest over what a build is asked to do, by which a later run knows its own work again. */
export function fingerprintOf(inputs: Inputs): string {
  const asked = DECISIVE.map((name) => [name, inputs[name] ?? null]);
  const secrets = (['secrets', 'secret-envs', 'secret-files'] as const).map((name) => [name, idsOf(inputs[name])]);
  return createHash('sha256')
    .update(JSON.stringify([...asked, ...secrets]))
    .digest('hex');
}

function idsOf(entries: readonly { readonly name: string }[]): readonly string[] {
  return entries.map(({ name }) => name).toSorted();
}

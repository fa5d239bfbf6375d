import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { ImageIdentity } from '../../domain/merge/hand-over.ts';
import { withoutCredentials } from '../../domain/suggestion.ts';
import type { BuildInputs } from '../../inputs/build.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Naming } from './naming.ts';

/** What the image is made from, and whether `images` names it. */
interface Made {
  readonly origin:
    | {
        readonly kind: 'build';
        readonly build: Pick<BuildInputs, 'context' | 'file' | 'target' | 'build-args' | 'build-contexts'>;
      }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'merge' };
  readonly isDefaultImage: boolean;
}

/** Arguments that differ by platform. */
const ARCHITECTURE = /amd64|x86[-_]64|x64|i?386|arm64|aarch64|armhf|armv?[5-8]|ppc64|s390x|riscv64|loong64/i;

/** Which image this run makes, for the job that merges it; the same on every runner. */
export function imageIdentity(
  { env, workspace }: Pick<Runtime, 'env' | 'workspace'>,
  { origin, isDefaultImage }: Made,
  { images, version = '' }: Pick<Naming, 'images' | 'version'>,
): ImageIdentity {
  // The folders of self-hosted runners have different paths.
  const path = (text: string) => {
    const found = [
      ['', workspace],
      ['RUNNER_TEMP/', env.RUNNER_TEMP ?? ''],
    ].find(([, folder = '']) => folder !== '' && `${text}/`.startsWith(`${folder}/`));
    const [prefix = '', folder = ''] = found ?? [];
    return withoutCredentials(found === undefined ? text : `${prefix}${relative(folder, text)}`);
  };
  const names = { repositories: isDefaultImage ? [] : images.map(({ name }) => name).toSorted(), version };
  if (origin.kind !== 'build') {
    const context = origin.kind === 'file' ? path(origin.path) : '';
    return { ...names, context, file: '', target: '', buildArgs: '' };
  }
  const { build } = origin;
  const given = [
    ...build['build-args'].map((arg) => (arg.includes('=') ? arg : `${arg}=${env[arg] ?? ''}`)),
    ...build['build-contexts'].map(({ name, value }) => `${name}=${path(value)}`),
  ].filter((text) => !ARCHITECTURE.test(text));
  return {
    ...names,
    context: path(build.context),
    file: path(build.file ?? ''),
    target: build.target ?? '',
    buildArgs: given.length === 0 ? '' : createHash('sha256').update(JSON.stringify(given.toSorted())).digest('hex'),
  };
}

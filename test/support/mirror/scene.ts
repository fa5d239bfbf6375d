import { type ActionOptions, type ActionRun, runAction } from '../action.ts';
import { fill } from '../copy-source.ts';
import { startRegistry, type TestRegistry } from '../registry.ts';

/** Repository names at the source and at targets. */
export const SOURCE_NAME = 'library/app';
export const TARGET_NAME = 'mirror/app';
export const STATE_KEY = 'a key that nobody can guess';

/** A registry with a source repository, and others as targets. */
export async function mirrorScene({
  source: sourceOptions = {},
  targets: targetOptions = [{}],
}: {
  readonly source?: Parameters<typeof startRegistry>[0];
  readonly targets?: readonly Parameters<typeof startRegistry>[0][];
} = {}) {
  const source = await startRegistry({ referrers: true, ...sourceOptions });
  const targets: TestRegistry[] = [];
  for (const options of targetOptions)
    targets.push(await startRegistry({ referrers: true, deletes: 'digests and tags', ...options }));
  const [target = source] = targets;
  /** YAML of one mirror; `more` are further lines of it. */
  const config = (tags: string, more = '', rest = '') =>
    [
      'version: 1',
      'mirrors:',
      `  - from: ${source.host}/${SOURCE_NAME}`,
      `    to: [${targets.map(({ host }) => `${host}/${TARGET_NAME}`).join(', ')}]`,
      `    tags: ${tags}`,
      ...more.split('\n').map((line) => `    ${line}`),
      rest,
    ].join('\n');
  return {
    source,
    targets,
    target,
    config,
    ...fill(source, SOURCE_NAME),
    clear: () => {
      for (const registry of [source, ...targets]) registry.clearLog();
    },
    [Symbol.asyncDispose]: async () => {
      for (const registry of [source, ...targets]) await registry.close();
    },
  };
}

/** Runs `command: mirror` as a job does. */
export function runMirror(
  inputs: Readonly<Record<string, string>>,
  options: Partial<ActionOptions> = {},
): Promise<ActionRun> {
  return runAction({ ...options, inputs: { command: 'mirror', ...inputs } });
}

/** Requests for manifests at a registry, by method. */
export function manifestRequests({ log }: TestRegistry, method: string): readonly string[] {
  return log.filter((entry) => entry.method === method && /\/manifests\//.test(entry.path)).map(({ path }) => path);
}

/** The rows of the `json` output: `tag action done`. */
export function rowsOf({ outputs }: ActionRun): readonly string[] {
  const { sources } = JSON.parse(outputs.json ?? '{}');
  return sources.flatMap(({ tags }: { readonly tags: readonly { tag: string; action: string; done: boolean }[] }) =>
    tags.map(({ tag, action, done }) => `${tag} ${action}${done ? ' done' : ''}`),
  );
}

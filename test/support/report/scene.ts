import { onTestFinished } from 'vitest';
import { type ActionOptions, type ActionRun, runAction } from '../action.ts';
import { contentOf } from '../cleanup/content.ts';
import { type RegistryOptions, startRegistry } from '../registry.ts';

/** Runs `command: report` of the built action; what it leaves is removed at the end of the test. */
export async function runReport(
  inputs: Readonly<Record<string, string>>,
  options: Partial<ActionOptions> = {},
): Promise<ActionRun> {
  const run = await runAction({ ...options, inputs: { command: 'report', ...inputs } });
  onTestFinished(run.dispose);
  return run;
}

/** A registry with one repository. */
export async function reportScene(options: RegistryOptions = {}, name = 'org/app') {
  const registry = await startRegistry(options);
  onTestFinished(registry.close);
  return { registry, name, image: `${registry.host}/${name}`, content: contentOf(registry, name) };
}

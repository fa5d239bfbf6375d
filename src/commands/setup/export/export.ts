import { counted } from '../../../domain/amount.ts';
import type { ExportedRegistry } from '../../../domain/setup/export/exported-file.ts';
import { EXPORTERS } from '../../../domain/setup/export/exporters.ts';
import { ActionError, allErrors } from '../../../errors/action-error.ts';
import { step, warn } from '../../../run/progress.ts';
import { workflowRepository } from '../../../runtime/event.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import type { SetupInputs } from '../inputs.ts';
import { mistakeText, type OpenRegistry, refuseMistakes, resolved, warnOfIdleMatches } from '../open.ts';
import type { PartialSetup } from '../result.ts';
import { writeExport } from './write-export.ts';

/**
 * Writes the desired state as code of another tool. Registries are read where there are credentials, and never written.
 * @throws ActionErrors of registries that could not be read: code that does not know what exists would replace it
 */
export async function exportState(
  runtime: Runtime,
  inputs: SetupInputs,
  opened: readonly OpenRegistry[],
  partial: PartialSetup,
  { format, directory }: NonNullable<SetupInputs['export']>,
): Promise<readonly ActionError[]> {
  const registries: ExportedRegistry[] = [];
  const listed: { readonly registry: OpenRegistry; readonly live: readonly string[] | undefined }[] = [];
  const errors: ActionError[] = [];
  for (const registry of opened) {
    try {
      const read = await step(runtime, partial, `Read ${registry.entry.at}`, () =>
        readRegistry(runtime, inputs, registry, partial),
      );
      registries.push(read.exported);
      listed.push({ registry, live: read.live });
    } catch (error) {
      if (runtime.signal.aborted) throw error;
      errors.push(...allErrors(error));
    }
  }
  if (errors.length > 0) return errors;
  warnOfIdleMatches(runtime, inputs, partial, listed);
  const { configPath: configName } = inputs;
  const exporter = await EXPORTERS[format]();
  const { files, leftOut } = exporter({
    registries,
    configName,
    workflow: workflowRepository(runtime.env),
  });
  const written = await writeExport(runtime, { directory, configName, files });
  for (const path of written.kept)
    warn(
      runtime,
      partial,
      `${directory}/${path} was part of an earlier export and was changed since, so it is still there: delete it, or move it elsewhere.`,
    );
  for (const { what, reason, instead } of leftOut)
    runtime.log.info(`  left out: ${what}. ${[reason, instead].filter((text) => text !== '').join(' ')}`);
  runtime.log.info(`${counted(files.length, 'file is', 'files are')} in ${written.directory}.`);
  partial.exported = {
    format,
    directory: written.directory,
    files: files.map(({ path }) => path),
    removed: written.removed,
    leftOut,
  };
  return [];
}

async function readRegistry(
  runtime: Runtime,
  inputs: SetupInputs,
  registry: OpenRegistry,
  partial: PartialSetup,
): Promise<{ readonly exported: ExportedRegistry; readonly live: readonly string[] | undefined }> {
  const { entry, setup, vendor } = registry;
  const { isRead, live } = await namesOf(registry);
  const existing = isRead ? (live ?? []) : undefined;
  if (existing === undefined && setup !== undefined)
    warn(
      runtime,
      partial,
      `${entry.at} was not read, because there are no credentials for it: the export takes it for empty, imports nothing, and has nothing for a \`match\`.`,
    );
  const { desired, mistakes } = resolved(inputs, registry, existing ?? []);
  refuseMistakes(inputs, mistakes);
  for (const each of mistakes) warn(runtime, partial, mistakeText(inputs.configPath, each));
  const state = await setup?.state(desired, existing !== undefined);
  return { exported: { vendor: vendor.id, title: vendor.title, desired, existing, state }, live };
}

interface Names {
  /** Whether there are credentials to read with. */
  readonly isRead: boolean;
  /** Undefined: they could not be listed. */
  readonly live: readonly string[] | undefined;
}

async function namesOf({ entry, setup, hasLogin }: OpenRegistry): Promise<Names> {
  const unread = { isRead: false, live: undefined };
  if (setup === undefined) return unread;
  try {
    const namespace = entry.at.split('/').slice(1).join('/');
    return (await hasLogin()) ? { isRead: true, live: await setup.names(namespace) } : unread;
  } catch (error) {
    if (error instanceof ActionError && error.code === 'CREDENTIALS_MISSING') return unread;
    throw error;
  }
}

import type { Exported, ExportedRegistry, Exporter, ExportSource, LeftOut } from '../exported-file.ts';
import { registryIam } from '../iam/registry-iam.ts';
import { notExported } from '../not-exported.ts';
import { ecrPublicStacks, ecrStacks } from './registry-files.ts';

const UNREAD =
  'It was not read, so its templates have nothing that others wrote, and a stack that has it would remove that.';
const UNREAD_INSTEAD = 'Export with credentials before a stack that exists is updated.';

/** CloudFormation with policies of IAM, a folder for each registry. */
export const exportCloudFormation: Exporter = (source) => {
  const written = source.registries.map((registry) => exported(registry, source));
  return {
    files: written.flatMap(({ files }) => files),
    leftOut: written.flatMap(({ leftOut }) => leftOut),
  };
};

function exported(registry: ExportedRegistry, { configName, workflow }: ExportSource): Exported {
  const { title, desired, state, existing } = registry;
  if (state?.kind !== 'ecr' && state?.kind !== 'ecr-public') {
    const reason = `CloudFormation has no resource types for ${title}.`;
    const instead = '`command: setup` without `export` plans and applies it.';
    return { files: [], leftOut: [{ what: desired.at, reason, instead }] };
  }
  const { files, leftOut, settings } =
    state.kind === 'ecr'
      ? ecrStacks(desired, state.live, configName)
      : ecrPublicStacks(desired, state.live, configName);
  return {
    files: [
      ...files.map(({ path, text }) => ({ path: `${desired.key}/${path}`, text })),
      ...registryIam(registry, workflow),
    ],
    leftOut: [
      ...(existing === undefined ? [{ what: desired.at, reason: UNREAD, instead: UNREAD_INSTEAD }] : []),
      ...notExported(desired.at, settings),
      ...leftOut.map((each): LeftOut => ({ ...each, what: `${desired.at}: ${each.what}` })),
    ],
  };
}

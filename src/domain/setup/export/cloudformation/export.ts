import type { DesiredRegistry } from '../../desired-state.ts';
import type { EcrState } from '../../ecr/state.ts';
import type { EcrPublicState } from '../../ecr-public/state.ts';
import type { ExportedFile, ExportedRegistry, Exporter, LeftOut } from '../exported-file.ts';
import { ecrIam, ecrPublicIam } from '../iam/ecr-iam.ts';
import { notExported } from '../not-exported.ts';
import { ecrPublicStacks, ecrStacks } from './registry-files.ts';

/** CloudFormation with policies of IAM, a folder for each registry. */
export const exportCloudFormation: Exporter = ({ registries, configName }) => {
  const written = registries.map((registry) => exported(registry, configName));
  return {
    files: written.flatMap(({ files }) => files),
    leftOut: written.flatMap(({ leftOut }) => leftOut),
  };
};

function exported({ title, desired, state }: ExportedRegistry, configName: string): ReturnType<Exporter> {
  if (state?.kind !== 'ecr' && state?.kind !== 'ecr-public') {
    const reason = `CloudFormation has no resource types for ${title}.`;
    const instead = '`command: setup` without `export` plans and applies it.';
    return { files: [], leftOut: [{ what: desired.at, reason, instead }] };
  }
  const { files, leftOut, settings } =
    state.kind === 'ecr'
      ? ecrStacks(desired, state.live, configName)
      : ecrPublicStacks(desired, state.live, configName);
  const iam = iamOf(desired, state);
  return {
    files: [...files, ...iam].map(({ path, text }) => ({ path: `${desired.key}/${path}`, text })),
    leftOut: [
      ...notExported(desired.at, settings),
      ...leftOut.map((each): LeftOut => ({ ...each, what: `${desired.at}: ${each.what}` })),
    ],
  };
}

function iamOf(desired: DesiredRegistry, state: EcrState | EcrPublicState): readonly ExportedFile[] {
  const names = desired.repositories.flatMap(({ name, creates }) =>
    creates || state.live.repositories.has(name) ? [name] : [],
  );
  if (state.kind === 'ecr') {
    const { account, region, partition } = state;
    return inFolder(ecrIam({ desired, account, region, partition, repositories: names }));
  }
  const [first] = state.live.repositories.values();
  const account = first?.arn.split(':')[4];
  return account === undefined ? [] : inFolder(ecrPublicIam({ account, repositories: names }));
}

function inFolder(files: ReadonlyMap<string, string>): readonly ExportedFile[] {
  return [...files].map(([name, text]) => ({ path: `iam/${name}`, text }));
}

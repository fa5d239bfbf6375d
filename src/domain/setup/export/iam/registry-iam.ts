import type { ExportedFile, ExportedRegistry } from '../exported-file.ts';
import { ecrIam, ecrPublicIam } from './ecr-iam.ts';
import { trustPolicy, type WorkflowRepository } from './trust.ts';

/** Policies of IAM for one registry, in a folder `iam` below its own; none for a registry of another vendor. */
export function registryIam(
  { desired, state }: ExportedRegistry,
  workflow: WorkflowRepository | undefined,
): readonly ExportedFile[] {
  if (state?.kind !== 'ecr' && state?.kind !== 'ecr-public') return [];
  const { live } = state;
  const repositories = desired.repositories.flatMap(({ name, creates }) =>
    creates || live.repositories.has(name) ? [name] : [],
  );
  // Only the ARNs of what exists tell whose registry of Amazon ECR Public it is.
  const [first] = state.kind === 'ecr' ? [] : state.live.repositories.values();
  const account = state.kind === 'ecr' ? state.account : first?.arn.split(':')[4];
  if (account === undefined) return [];
  const partition = state.kind === 'ecr' ? state.partition : 'aws';
  const policies =
    state.kind === 'ecr'
      ? ecrIam({ desired, account, region: state.region, partition, repositories })
      : ecrPublicIam({ account, repositories });
  return [
    ...policies,
    ...(workflow === undefined ? [] : [['trust.json', trustPolicy(workflow, { account, partition })] as const]),
  ].map(([name, text]) => ({ path: `${desired.key}/iam/${name}`, text }));
}

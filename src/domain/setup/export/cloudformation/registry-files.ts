import type { DesiredRegistry } from '../../desired-state.ts';
import type { EcrLive } from '../../ecr/live.ts';
import { planEcr } from '../../ecr/plan.ts';
import { plannedState } from '../../ecr/planned-state.ts';
import { type EcrPublicLive, planEcrPublic } from '../../ecr-public/plan.ts';
import { plannedPublicState } from '../../ecr-public/planned-state.ts';
import type { Setting } from '../../setting.ts';
import { generatedFrom, origin } from '../origin.ts';
import { ecrPublicResources } from './ecr-public-resources.ts';
import { ecrResources } from './ecr-resources.ts';
import type { Resources } from './resource.ts';
import { type Stacks, stackFiles } from './stacks.ts';

const DESCRIPTION_LENGTH = 1024;

interface RegistryStacks extends Stacks {
  /** Every setting of the plan: what is unsupported, denied or refused is in no template. */
  readonly settings: readonly Setting[];
}

/** Templates of one registry of Amazon ECR, without their folder. */
export function ecrStacks(desired: DesiredRegistry, live: EcrLive, configName: string): RegistryStacks {
  const { settings, steps } = planEcr(desired, live);
  const requests = steps.map(({ request }) => request);
  const resources = ecrResources({ desired, live, planned: plannedState(live, requests) });
  return { ...written(desired, resources, configName), settings };
}

/** Templates of Amazon ECR Public, for a stack in us-east-1, without their folder. */
export function ecrPublicStacks(desired: DesiredRegistry, live: EcrPublicLive, configName: string): RegistryStacks {
  const { settings, steps } = planEcrPublic(desired, live);
  const requests = steps.map(({ request }) => request);
  const resources = ecrPublicResources({ desired, live, planned: plannedPublicState(live, requests, '') });
  return { ...written(desired, resources, configName), settings };
}

function written(desired: DesiredRegistry, { resources, leftOut }: Resources, configName: string): Stacks {
  const stacks = stackFiles({
    resources,
    description: `${desired.at}, from ${configName}`.slice(0, DESCRIPTION_LENGTH),
    header: `${origin(configName, desired.line, desired.key)}. ${generatedFrom(configName)}`,
    configName,
  });
  return { files: stacks.files, leftOut: [...leftOut, ...stacks.leftOut] };
}

import { combined, denied, type Part, unsupported } from '../compare.ts';
import type { DesiredRegistry } from '../desired-state.ts';
import type { RegistryPlan, Setting } from '../setting.ts';
import { planAccountSettings, planPullTimeExclusions, planSigning } from './account.ts';
import { planCaches } from './cache.ts';
import type { EcrLive } from './live.ts';
import { planRegistryPolicy } from './registry-policy.ts';
import { planReplication } from './replication.ts';
import { planRepository } from './repository.ts';
import type { EcrRequest } from './request.ts';
import { planScanning } from './scanning.ts';
import { planTemplates } from './template.ts';

/**
 * What a registry of Amazon ECR lacks. In this order every write finds what it needs: what decides how repositories are made comes
 * before them, who may read before what sends images there, replication last.
 */
export function planEcr(desired: DesiredRegistry, live: EcrLive): RegistryPlan<EcrRequest> {
  return combined([
    planAccountSettings(desired, live),
    planTemplates(desired, live),
    ...desired.repositories.map((repository) => planRepository(desired, repository, live)),
    planScanning(desired, live),
    planCaches(desired, live),
    planRegistryPolicy(desired, live),
    planSigning(desired, live),
    planPullTimeExclusions(desired, live),
    planReplication(desired, live),
    lacking(desired),
    unlistable(desired, live),
  ]);
}

function lacking({ quota, webhooks, accept }: DesiredRegistry): Part<EcrRequest> {
  const settings: Setting[] = [];
  if (quota !== undefined && quota.value !== null) {
    const reason = 'Amazon ECR has no quota in bytes; limits are requested in AWS Service Quotas.';
    settings.push(unsupported({ subject: '', name: 'quota', line: quota.line }, quota.value, reason, accept));
  }
  if (webhooks !== undefined && webhooks.value !== null) {
    const reason = 'Amazon ECR has no webhooks: use a rule of Amazon EventBridge for the event `ECR Image Action`.';
    settings.push(unsupported({ subject: '', name: 'webhooks', line: webhooks.line }, 'set', reason, accept));
  }
  return { settings };
}

/** A `match` means nothing without the list of repositories. */
function unlistable({ line }: DesiredRegistry, { unlistable: reason }: EcrLive): Part<EcrRequest> {
  return reason === undefined
    ? { settings: [] }
    : { settings: [denied({ subject: '', name: 'repositories', line }, 'listed', reason)] };
}

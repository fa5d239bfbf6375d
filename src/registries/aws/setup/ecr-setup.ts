import type { Repository } from '@aws-sdk/client-ecr';
import type { Reading } from '../../../domain/setup/compare.ts';
import { ecrState } from '../../../domain/setup/ecr/after-apply.ts';
import type { EcrLive } from '../../../domain/setup/ecr/live.ts';
import { ecrMistakes } from '../../../domain/setup/ecr/mistakes.ts';
import { planEcr } from '../../../domain/setup/ecr/plan.ts';
import type { EcrRequest } from '../../../domain/setup/ecr/request.ts';
import { unreadEcr } from '../../../domain/setup/ecr/unread.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { type RegistrySetup, registrySetup, type SetupContext, type SetupDefinition } from '../../setup-port.ts';
import { readEcrHost } from '../ecr-host.ts';
import { applyEcr } from './apply-ecr.ts';
import { askEcr, readable } from './ask-ecr.ts';
import { readEcrLive } from './read-live.ts';
import { listRepositories } from './read-repository.ts';

/** Setup of Amazon ECR. */
export const ecrSetup: SetupDefinition = {
  block: 'aws',
  unitOf: (repository) => repository,
  principals: ['aws-role', 'aws-account', 'aws-organization', 'aws-function'],
  mistakes: (desired) => {
    const host = readEcrHost(desired.host);
    if (host === undefined || desired.namespace !== '') {
      const message = '`at` of Amazon ECR is a host such as `111122223333.dkr.ecr.eu-west-1.amazonaws.com`';
      return [{ severity: 'error', line: desired.line, message }];
    }
    return ecrMistakes(desired, host);
  },
  open,
};

function open(context: SetupContext): RegistrySetup {
  const host = readEcrHost(context.host);
  if (host === undefined) {
    throw new ActionError('INTERNAL', `${context.host} is no host of Amazon ECR.`, {
      facts: { registry: context.host },
    });
  }
  const ask = askEcr(context, host.region);
  let listed: Promise<Reading<ReadonlyMap<string, Repository>>> | undefined;
  const list = () => readable('ecr:DescribeRepositories', () => listRepositories(ask, host.account));
  const resolveKeys = async (names: readonly string[]) =>
    names.length === 0
      ? new Map<string, Reading<string>>()
      : (await import('./read-keys.ts')).readKeys(context, host.region, names);
  return registrySetup<EcrLive, EcrRequest>({
    names: async () => {
      listed = list();
      const all = await listed;
      return all.ok ? [...all.value.keys()].sort() : undefined;
    },
    readLive: async (desired, isWhole) =>
      readEcrLive(ask, host, desired, { listed: await (listed ?? list()), resolveKeys, isWhole: isWhole === true }),
    plan: planEcr,
    state: { of: ecrState, unread: (desired) => unreadEcr(host, desired) },
    apply: (request) => applyEcr(request, { ask, account: host.account, host: context.host, clock: context.clock }),
  });
}

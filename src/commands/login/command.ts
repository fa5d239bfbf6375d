import { REGISTRY_INPUTS, registrySettings } from '../../inputs/registry-inputs.ts';
import { keylessHasRegistry, REGISTRY_RULES } from '../../inputs/registry-rules.ts';
import { defineCommand } from '../../run/define-command.ts';
import { OUTCOMES } from './outcomes.ts';

export const login = defineCommand({
  name: 'login',
  about: '`login` only logs in to registries, for your own steps, and logs out when the job ends.',
  inputs: REGISTRY_INPUTS,
  rules: [
    ...REGISTRY_RULES,
    (_, { given }) =>
      given('registry') || given('registry-auth') || given('username')
        ? undefined
        : 'there is no registry to log in to. Add `registry`, or one entry of `registry-auth` for each.',
  ],
  warnings: [keylessHasRegistry(() => [])],
  settings: (inputs) => ({ registries: registrySettings(inputs) }),
  outputs: { registries: 'The hosts that were logged in to, one per line.' },
  outcomes: OUTCOMES.successes,
  failures: ['invalid-input', 'registry-failed', 'cancelled', 'failed'],
  situation: 'login',
  load: () => import('./program.ts'),
});

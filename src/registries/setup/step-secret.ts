import { ActionError } from '../../errors/action-error.ts';
import type { SetupContext } from '../setup-port.ts';

/**
 * The value of a variable that the file names for a secret, masked.
 * @param what is to be done with it: `the webhook deploy`
 * @throws ActionError INPUT_INVALID when the step does not have it
 */
export function stepSecret({ env, api, host }: SetupContext, variable: string, what: string): string {
  const value = env[variable];
  if (value === undefined || value === '') {
    throw new ActionError(
      'INPUT_INVALID',
      `${host}: ${what} needs the variable ${variable}, which this step does not have. Write \`env: ${variable}: \${{ secrets.… }}\` at the step.`,
      { facts: { registry: host, input: 'config' } },
    );
  }
  api.secret(value);
  return value;
}

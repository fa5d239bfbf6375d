import { onTestFinished } from 'vitest';
import { type ActionOptions, runAction } from '../action.ts';
import { type Cloud, startCloud } from '../cloud.ts';
import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { ECR_API, ecrSettings } from '../vendors/ecr-settings.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'environment-secret' };

/**
 * A registry of Amazon ECR that holds every request to AWS's description, and `command: setup` of the built action before it.
 * @param regions where the account has further registries, empty ones
 */
export async function ecrScene(regions: readonly string[] = []) {
  const double = ecrSettings();
  const api = checked(double.hosts[ECR_API], await readContract('ecr'));
  const cloud: Cloud = await startCloud({
    ...double.hosts,
    ...Object.fromEntries(regions.map((region) => [`api.ecr.${region}.amazonaws.com`, ecrSettings().hosts[ECR_API]])),
    [ECR_API]: api,
  });
  onTestFinished(() => cloud.close());
  const run = async (inputs: Readonly<Record<string, string>>, options: Partial<ActionOptions> = {}) => {
    double.state.asked.length = 0;
    const done = await runAction({
      ...options,
      inputs: { command: 'setup', ...inputs },
      env: { ...cloud.env, ...KEYS, ...options.env },
    });
    onTestFinished(done.dispose);
    return done;
  };
  return { ...double, run, problems: api.problems, cloud };
}

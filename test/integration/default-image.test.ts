import { expect, it } from 'vitest';
import { runAction } from '../support/action.ts';

it('a step without any input is for ghcr.io/<owner>/<repository>, in lower case, and says so', async () => {
  await using run = await runAction({
    inputs: { 'dry-run': 'true', push: 'false' },
    env: { GITHUB_REPOSITORY: 'Org/App' },
  });
  expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'planned' } });
  expect(run.log).toContain('`images` is empty: using ghcr.io/org/app.');
  expect(run.outputs.tags?.split('\n')).toContain('ghcr.io/org/app:main');
});

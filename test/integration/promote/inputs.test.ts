import { expect, test } from 'vitest';
import { createStages } from './stages.ts';

test.each([
  [
    '`force` in a push',
    { force: 'true' },
    '`force` is only accepted in manual runs (`workflow_dispatch`); this run was triggered by push. Start the workflow by hand',
  ],
  ['`rollback` without records', { rollback: 'true', record: 'false' }, 'which `record: false` switches off'],
  ['`rollback` with `force`', { rollback: 'true', force: 'true' }, '`force` is for promotions'],
  ['no `from`', { from: '' }, '`from` is empty: set a tag, a digest'],
  ['neither environment nor `to`', { environment: '' }, 'environment'],
  [
    'an input of another command',
    { push: 'false' },
    '`push`: belongs to `command: publish` or `command: merge`, and this is `command: promote`',
  ],
  ['a requirement that nobody knows', { require: 'sbum' }, 'unknown requirement "sbum"'],
  ['a value that came to nothing', { require: 'provenance,builder=' }, '`builder` is ""'],
  ['a branch that came to nothing', { require: 'branch=' }, 'expected a branch'],
  ['an age without a unit', { require: 'scan,max-age=7' }, 'a length of time such as 7d'],
])('%s is refused before the registry is asked', async (_, inputs, words) => {
  await using environments = await createStages();
  environments.source.image(['1'], {}, 'next');
  const message = await environments.fails('INPUT_INVALID', '', { inputs });
  expect(message).toContain(words);
  expect(environments.registry.requests()).toBe(0);
});

test('`force` of a person meets the requirements too', async () => {
  await using environments = await createStages();
  environments.source.image(['1'], {}, 'next');
  const run = await environments.job.byHand({
    images: `${environments.registry.host}/org/app`,
    from: 'next',
    environment: 'production',
    require: 'signature',
    force: 'true',
  });
  expect(run.outputs.outcome, run.log).toBe('refused');
  expect(environments.registry.writes()).toEqual([]);
});

test('the end of the log says what came of it', async () => {
  await using environments = await createStages();
  const { digest } = environments.source.image(['1'], {}, 'next').descriptor;
  const last = async (inputs = {}) => (await environments.promote('', { inputs })).log.trimEnd().split('\n').at(-1);
  expect(await last({ 'dry-run': 'true' })).toBe('This is a dry run: nothing was written.');
  expect(await last()).toBe(`production points to ${digest} now.`);
  expect(await last()).toBe(`Everything is in place already, as ${digest}: nothing to write.`);
});

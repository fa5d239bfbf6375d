import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from '../../../src/app/command-list.ts';
import { allInputs, allOutputs } from '../../../src/app/inputs.ts';
import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import { type ActionStep, actionSteps, yamlExamples } from '../../support/workflows.ts';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8');
const list = async (folder: string, form: RegExp) =>
  (await readdir(new URL(folder, ROOT))).filter((name) => form.test(name)).map((name) => `${folder}${name}`);

const files = await list('.github/workflows/', /\.ya?ml$/);
const pages = ['README.md', ...(await list('docs/', /\.md$/))];
const complete = await Promise.all(
  (await list('examples/', /\.ya?ml$/)).map(async (name) => ({ name, text: await read(name) })),
);
const workflows = await Promise.all(files.map(async (name) => ({ name, text: await read(name) })));
const examples = await Promise.all(
  pages.map(async (page) =>
    yamlExamples(await read(page)).map((text, at) => ({ name: `${page}, example ${at + 1}`, text })),
  ),
);
const shown = [...workflows, ...complete, ...examples.flat()];
const action = fieldsOf(parse(await read('action.yml')));
const promotion = fieldsOf(parse(await read('.github/workflows/promote.yml')));
const call = fieldsOf(fieldsOf(promotion.on).workflow_call);
const CALL = 'org/registry-action/.github/workflows/promote.yml@v1';
const STAGES = ['dev', 'staging', 'production'] as const;

/** For each command, inputs of which a step has at least one, whatever their values come to. */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  publish: [],
  promote: [
    ['from', 'rollback'],
    ['environment', 'to'],
  ],
  login: [['registry', 'registry-auth']],
  cleanup: [['policy', 'import']],
  merge: [['layouts', 'digests'], ['platforms']],
  report: [],
  setup: [['config']],
  mirror: [['config']],
  verify: [['images'], ['signer-identity', 'signer-key', 'trust-policy']],
};

const OUTPUTS = new Set(allOutputs(COMMANDS).map(({ name }) => name));

/** What is wrong with a step of the action, whatever its expressions come to. */
function problemsOf({ with: inputs }: ActionStep): readonly string[] {
  const command = inputs.command ?? 'publish';
  const names = Object.keys(inputs);
  const needed = NEEDED[command];
  if (needed === undefined) return [`${command} is no command`];
  const commandsOf = new Map<string, readonly string[]>(
    allInputs(COMMANDS).map(({ name, fields }) => [name, fields.map(([owner]) => owner)]),
  );
  return [
    ...names.filter((name) => !Object.hasOwn(fieldsOf(action.inputs), name)).map((name) => `action.yml has no ${name}`),
    ...names
      .filter((name) => name !== 'command' && commandsOf.get(name)?.includes(command) !== true)
      .map((name) => `${name} is not for ${command}`),
    ...needed
      .filter((some) => !some.some((name) => names.includes(name)))
      .map((some) => `${some.join(' or ')} is missing`),
  ];
}

/** Names that follow a prefix in the expressions of a text. */
function namesAfter(text: string, prefix: string): ReadonlySet<string> {
  return new Set([...text.matchAll(new RegExp(`(?<![\\w.-])${prefix}([\\w-]+)`, 'g'))].map(([, name = '']) => name));
}

function jobsOf(text: string): readonly (readonly [string, Fields])[] {
  return Object.entries(fieldsOf(fieldsOf(parse(text)).jobs)).map(([name, job]) => [name, fieldsOf(job)]);
}

describe('workflows and examples', () => {
  it.each(shown.filter(({ text }) => actionSteps(text).length > 0))(
    '$name gives the action inputs that it has',
    ({ text }) => {
      for (const step of actionSteps(text)) expect(problemsOf(step), JSON.stringify(step.with)).toEqual([]);
    },
  );

  it('a wrong input, a wrong command and a missing input would be seen', () => {
    expect(problemsOf({ with: { command: 'promote', images: 'a/b', tags: 'x', nope: '1' } })).toEqual([
      'action.yml has no nope',
      'tags is not for promote',
      'nope is not for promote',
      'from or rollback is missing',
      'environment or to is missing',
    ]);
    expect(problemsOf({ with: { command: 'promotion' } })).toEqual(['promotion is no command']);
    expect(actionSteps('- uses: org/registry-action@v1\n')).toEqual([{ with: {} }]);
  });

  it.each(shown)('$name reads outputs that there are', ({ text }) => {
    const outputs = fieldsOf(action.outputs);
    for (const { id } of actionSteps(text)) {
      if (id === undefined) continue;
      for (const name of namesAfter(text, `steps\\.${id}\\.outputs\\.`)) {
        expect(Object.hasOwn(outputs, name) && OUTPUTS.has(name), `steps.${id}.outputs.${name}`).toBe(true);
      }
    }
    for (const [job, { outputs, uses }] of jobsOf(text)) {
      const known = uses === CALL ? call.outputs : outputs;
      for (const name of namesAfter(text, `needs\\.${job}\\.outputs\\.`)) {
        expect(Object.hasOwn(fieldsOf(known), name), `needs.${job}.outputs.${name}`).toBe(true);
      }
    }
  });

  it('callers of the cleanup grant at least what its jobs ask for', async () => {
    const cleanup = fieldsOf(parse(await read('.github/workflows/cleanup.yml')));
    const asked = ['plan', 'apply'].flatMap((job) =>
      Object.entries(fieldsOf(fieldsOf(fieldsOf(cleanup.jobs)[job]).permissions)),
    );
    const callers = shown.flatMap(({ text }) =>
      jobsOf(text).filter(([, { uses }]) => String(uses).includes('/workflows/cleanup.yml@')),
    );
    expect(callers.length).toBeGreaterThan(0);
    for (const [, { permissions, with: inputs }] of callers) {
      for (const [name, level] of asked) {
        expect([level, 'write'], name).toContain(fieldsOf(permissions)[name]);
      }
      const known = Object.keys(fieldsOf(fieldsOf(fieldsOf(cleanup.on).workflow_call).inputs));
      expect(known).toEqual(expect.arrayContaining(Object.keys(fieldsOf(inputs))));
    }
  });

  it('callers of the promotion give it what it knows, all that it needs, and the permissions that its jobs ask for', () => {
    const callers = shown.flatMap(({ name, text }) =>
      jobsOf(text).flatMap(([id, job]) => (job.uses === CALL ? [{ name: `${name}, ${id}`, job }] : [])),
    );
    expect(callers.length).toBeGreaterThan(0);
    const required = Object.entries(fieldsOf(call.inputs)).flatMap(([name, input]) =>
      fieldsOf(input).required === true ? [name] : [],
    );
    for (const { name, job } of callers) {
      const given = Object.keys(fieldsOf(job.with));
      expect(Object.keys(fieldsOf(call.inputs)), name).toEqual(expect.arrayContaining(given));
      expect(given, name).toEqual(expect.arrayContaining(required));
      expect(Object.keys(fieldsOf(call.secrets)), name).toEqual(
        expect.arrayContaining(Object.keys(fieldsOf(job.secrets))),
      );
      for (const environment of STAGES)
        expect(job.permissions, name).toEqual(fieldsOf(fieldsOf(promotion.jobs)[environment]).permissions);
    }
  });
});

describe('the complete examples', () => {
  it.each(complete)('$name pins everything but this action, whose tag moves with a release', ({ text }) => {
    const used = [...text.matchAll(/^\s*(?:- )?uses:\s*(\S+)/gm)].map(([, name = '']) => name);
    expect(used.filter((name) => !/^org\/registry-action(?:\/.*)?@v1$|@[0-9a-f]{40}$/.test(name))).toEqual([]);
    expect(actionSteps(text).length > 0 || used.some((name) => name.includes('/.github/workflows/'))).toBe(true);
  });

  it.each(complete)('$name is named in README and on a page of the documentation', async ({ name }) => {
    expect(await read('README.md')).toContain(`](${name})`);
    const texts = await Promise.all(pages.map(read));
    expect(texts.some((text) => text.includes(`](../${name})`))).toBe(true);
  });
});

describe('promote.yml', () => {
  const jobs = fieldsOf(promotion.jobs);
  const ofStage = (environment: string) => fieldsOf(jobs[environment]);
  const stepsOf = (environment: string) => actionSteps(JSON.stringify(ofStage(environment)));

  it('has the same job for each environment, but for its name, its source and what it asks of the environment before', () => {
    const alike = STAGES.map((environment) => {
      const { needs: _needs, if: _if, steps: _steps, ...job } = ofStage(environment);
      const [step] = stepsOf(environment);
      const { from: _from, require: _require, ...inputs } = step?.with ?? {};
      return JSON.parse(JSON.stringify({ ...job, inputs }).replaceAll(`${environment}-`, 'environment-'));
    });
    expect(alike[1]).toEqual(alike[0]);
    expect(alike[2]).toEqual(alike[0]);
    expect(STAGES.map((environment) => stepsOf(environment).length)).toEqual([1, 1, 1]);
  });

  it('puts each environment into its environment, behind the one before, with a limit that cuts nothing off', () => {
    for (const environment of STAGES) {
      expect(ofStage(environment)).toMatchObject({
        environment: `\${{ inputs.${environment}-environment }}`,
        concurrency: { 'cancel-in-progress': false },
        'timeout-minutes': expect.any(Number),
      });
    }
    // A job that waits for its turn and is replaced is cancelled, and so is one that takes too long: neither is a failure.
    const goesOn = "!cancelled() && !failure() && !contains(needs.*.result, 'cancelled') && ";
    for (const environment of ['staging', 'production']) expect(ofStage(environment).if).toContain(goesOn);
    expect(STAGES.map((environment) => ofStage(environment).needs)).toEqual([undefined, 'dev', ['dev', 'staging']]);
    expect(stepsOf('staging')[0]?.with).toMatchObject({
      from: expect.stringContaining('needs.dev.outputs.digest'),
      require: expect.stringContaining("format('deployed={0}', inputs.dev-environment)"),
    });
    expect(stepsOf('production')[0]?.with).toMatchObject({
      from: expect.stringContaining('needs.staging.outputs.digest'),
      require: expect.stringContaining("format('deployed={0}', inputs.staging-environment || inputs.dev-environment)"),
    });
  });

  it('runs the action at its own commit, so that whoever pins the workflow has pinned both', () => {
    for (const environment of STAGES) {
      const steps = ofStage(environment).steps;
      if (!Array.isArray(steps)) throw new Error(environment);
      const [caller, guard, own, step] = steps.map(fieldsOf);
      expect(fieldsOf(caller?.with).repository).toBeUndefined();
      expect(guard).toMatchObject({
        if: "${{ fromJSON(toJSON(job)).workflow_sha == '' }}",
        run: expect.stringMatching(/exit 1\n$/),
      });
      expect(own).toMatchObject({
        uses: caller?.uses,
        with: {
          repository: '${{ fromJSON(toJSON(job)).workflow_repository }}',
          ref: '${{ fromJSON(toJSON(job)).workflow_sha }}',
          path: '.registry-action',
          'persist-credentials': false,
        },
      });
      expect(step).toMatchObject({ id: 'promote', uses: './.registry-action' });
    }
  });

  it.each(workflows)('$name leaves nothing to a tag or branch that may move', ({ text }) => {
    const used = [...text.matchAll(/^\s*(?:- )?uses:\s*(\S+)/gm)].map(([, name = '']) => name);
    expect(used.filter((name) => !name.startsWith('./') && !/@[0-9a-f]{40}$/.test(name))).toEqual([]);
  });

  it('gives nothing to who asks for nothing, and no text of others to a shell', () => {
    expect(promotion.permissions).toEqual({});
    const scripts = Object.values(jobs).flatMap((job) => scriptsIn(fieldsOf(job).steps));
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(script).not.toContain('${{');
  });

  it('reads only inputs that a caller has, and asks people for no others', () => {
    const known = Object.keys(fieldsOf(call.inputs));
    const byHand = fieldsOf(fieldsOf(promotion.on).workflow_dispatch);
    expect(known.toSorted()).toEqual([...namesAfter(JSON.stringify(jobs), 'inputs\\.')].toSorted());
    expect(known).toEqual(expect.arrayContaining(Object.keys(fieldsOf(byHand.inputs))));
  });
});

function scriptsIn(steps: unknown): readonly string[] {
  return Array.isArray(steps) ? steps.flatMap((step: unknown) => fieldsOf(step).run ?? []).map(String) : [];
}

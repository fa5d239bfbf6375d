import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActionRun } from '../support/action.ts';
import { leakedToken, npmPackage } from '../support/image.ts';
import { tagEvent } from '../support/repository.ts';
import type { DatedMetrics } from './prometheus.ts';
import { createScene, IMAGE, OTHER, type Scene } from './scene.ts';

/** The summary of a run, and the name of its picture. */
export interface Shot {
  readonly name: string;
  readonly summary: string;
  /** Metrics of the runs until then, for a dashboard. */
  readonly metrics?: readonly DatedMetrics[];
}

const BOTH = `${IMAGE}\n${OTHER}`;

/**
 * Runs the built action once for each kind of summary.
 * @throws when a run ends in another outcome than its picture is to show
 */
export async function allRuns(): Promise<readonly Shot[]> {
  await using scene = await createScene();
  const shots: Shot[] = [];
  const shoot = (name: string, outcome: string, run: ActionRun) => {
    const { summary, outputs, log } = run;
    if (outputs.outcome !== outcome) throw new Error(`${name}: ${outputs.outcome} instead of ${outcome}.\n${log}`);
    shots.push({ name, summary });
  };

  shoot('login', 'logged-in', await scene.login());
  await ofPublishing(scene, shoot);
  await ofPromotion(scene, shoot);
  shots.push(await reportRun());
  return shots;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A registry that grows for two weeks, with a report each day; production is behind at the end. */
export async function reportRun(): Promise<Shot> {
  await using scene = await createScene();
  const { repository, image, act } = scene;
  const file = (name: string) => join(repository.directory, name);
  const metrics: DatedMetrics[] = [];
  const keep = async (at: Date) => metrics.push({ at, text: await readFile(file('m.prom'), 'utf8') });
  const daily = ['A faster search', 'Dark mode', 'Export to CSV', 'Two languages', 'A new page', 'Fewer queries'];
  const history: string[] = [];
  let summary = '';
  for (const [index, message] of daily.entries()) {
    const at = new Date(Date.now() - (daily.length - 1 - index) * 2 * DAY_MS - 60_000);
    await repository.commit(message, { 'CHANGES.md': message });
    const content = Array.from({ length: 2000 }, (_, line) => `${message} ${line * index}`).join('\n');
    const isOld = index > 2;
    await image({ 'app/CHANGES.md': content, ...npmPackage('lodash', isOld ? '4.17.11' : '4.17.21') });
    const images = index % 2 === 0 ? `${OTHER}\nregistry.example.com/org/web` : OTHER;
    const common = { 'metrics-file': 'm.prom' };
    const published = await act({ ...common, images, scan: 'report' });
    await keep(at);
    for (const environment of index < daily.length - 1 ? ['staging', 'production'] : ['staging']) {
      const promoted = await act({
        command: 'promote',
        images: OTHER,
        from: published.outputs.digest ?? '',
        environment,
      });
      if (promoted.outputs.outcome !== 'promoted') throw new Error(promoted.log);
    }
    await writeFile(file('history.jsonl'), history.join(''));
    const run = await act({
      command: 'report',
      ...common,
      images: `${OTHER}\nregistry.example.com/org/web`,
      environments: `staging=${OTHER}:staging,production=${OTHER}:production`,
      scans: 'trivy',
      watch: 'main',
      'history-file': 'history.jsonl',
    });
    if (run.outputs.outcome !== 'reported') throw new Error(run.log);
    await keep(new Date(at.getTime() + 1000));
    // What this run has added, moved to its day.
    const lines = (await readFile(file('history.jsonl'), 'utf8')).trim().split('\n').slice(history.length);
    history.push(...lines.map((line) => `${line.replace(/"at":"[^"]*"/, `"at":"${at.toISOString()}"`)}\n`));
    ({ summary } = run);
  }
  return { name: 'report', summary, metrics };
}

type Shoot = (name: string, outcome: string, run: ActionRun) => void;

async function ofPublishing({ repository, image, act, other }: Scene, shoot: Shoot): Promise<void> {
  await image();
  await repository.tag('v1.4.0');
  const event = await tagEvent(repository, 'v1.4.0');
  shoot('dry-run', 'planned', await act({ images: BOTH, 'dry-run': 'true' }, { event }));
  shoot('published', 'published', await act({ images: BOTH }, { event }));

  await repository.commit('Merge two lists');
  await image({ ...npmPackage('lodash', '4.17.11'), ...leakedToken() }, npmPackage('minimist', '1.2.0'));
  shoot('gate-failed', 'findings', await act({ images: IMAGE }));

  await repository.commit('A new page');
  await image({ 'app/page.html': 'new' });
  const body = { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] };
  const match = { method: 'PUT', path: /\/manifests\//, nth: 'all' } as const;
  other.addFault({ match, action: { status: 403, body }, optional: true });
  shoot('partial-failure', 'registry-failed', await act({ images: BOTH }));

  const nowhere = 'registry.example.com';
  const env = { HTTPS_PROXY: undefined };
  shoot('unreachable', 'registry-failed', await act({ images: `${nowhere}/org/app` }, { env }));
}

async function ofPromotion({ repository, image, act }: Scene, shoot: Shoot): Promise<void> {
  const promote = (inputs: Readonly<Record<string, string>>) => act({ command: 'promote', images: IMAGE, ...inputs });
  /** Publishes the image of a commit. @returns its digest */
  const publish = async (message: string, more: Readonly<Record<string, string>> = {}) => {
    await repository.commit(message, { 'CHANGES.md': message });
    await image({ 'app/CHANGES.md': message }, more.scan === 'off' ? npmPackage('lodash', '4.17.11') : {});
    const { outputs, log } = await act({ images: IMAGE, ...more });
    if (outputs.outcome !== 'published') throw new Error(log);
    return outputs.digest ?? '';
  };
  const deliver = async (digest: string) => {
    await promote({ from: digest, environment: 'staging' });
    const require = 'platforms=linux/amd64,linux/arm64\nprovenance\nsbom\ndeployed=staging\nnot-older';
    return promote({ from: 'env:staging', environment: 'production', require });
  };
  for (const message of ['A faster search', 'Dark mode']) await deliver(await publish(message));
  shoot('promoted', 'promoted', await deliver(await publish('Export to CSV')));
  shoot('rolled-back', 'rolled-back', await promote({ environment: 'production', rollback: 'true' }));
  const unscanned = await publish('A quick fix', { scan: 'off' });
  shoot('refused', 'refused', await promote({ from: unscanned, environment: 'production', require: 'scan=now' }));
}

import { type Fields, fieldsOf, isFields } from '../../domain/fields.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext, RetentionPreview, RetentionRules } from '../vendor.ts';
import type { Harbor } from './api.ts';

const DRY_RUN_LIMIT_MS = 5 * 60_000;
const PAUSE_MS = 2000;
const PAGE_SIZE = 100;
const MAX_TASKS = 10_000;

/** Statuses of a task of Harbor's job service that has ended. */
const ENDED = ['Success', 'Error', 'Stopped'];

/**
 * The tag retention of a project. Harbor previews only what it has: so new rules are put in place without a schedule, run dry,
 * and get their schedule when the numbers are right; otherwise the rules are put back as they were.
 * https://goharbor.io/docs/main/working-with-projects/working-with-images/create-tag-retention-rules/
 */
export function tagRetention(api: Harbor, context: ManagementContext): RetentionRules {
  const { project, image, ask } = api;
  const { host, repository } = context;
  const scope = `${host}/${project}`;
  const facts = { registry: host, repository };
  const what = `the tag retention of ${project}`;

  const projectOf = async (): Promise<{ readonly ref: number; readonly id: string | undefined }> => {
    const { json } = await ask({
      method: 'GET',
      path: `/projects/${encodeURIComponent(project)}`,
      expect: [200],
      operation: 'read',
      what: `the project ${project}`,
    });
    const { project_id: ref, metadata } = fieldsOf(json);
    const { retention_id: id } = fieldsOf(metadata);
    if (typeof ref !== 'number') throw unexpected(host, `the project ${project}`, facts);
    return { ref, id: typeof id === 'string' && /^\d+$/.test(id) ? id : undefined };
  };
  const retention = async (id: string): Promise<Fields> => {
    const { json } = await ask({ method: 'GET', path: `/retentions/${id}`, expect: [200], operation: 'read', what });
    return fieldsOf(json);
  };
  const write = async (ref: number, id: string | undefined, document: Fields): Promise<void> => {
    await ask({
      method: id === undefined ? 'POST' : 'PUT',
      path: id === undefined ? '/retentions' : `/retentions/${id}`,
      json: {
        ...(id === undefined ? {} : { id: Number(id) }),
        algorithm: 'or',
        scope: { level: 'project', ref },
        trigger: { kind: 'Schedule', settings: { cron: document.schedule ?? '' }, references: {} },
        rules: document.rules ?? [],
      },
      expect: [id === undefined ? 201 : 200],
      operation: 'write',
      what: `setting ${what}`,
    });
  };

  return {
    scope,
    name: image,
    read: async () => {
      const { id } = await projectOf();
      return id === undefined ? null : documentOf(await retention(id));
    },
    install: async (document, live, check) => {
      const { ref, id } = await projectOf();
      if (document === null) {
        if (id !== undefined) await write(ref, id, { rules: [], schedule: '' });
        return;
      }
      const rules = fieldsOf(document);
      await write(ref, id, { ...rules, schedule: '' });
      const { id: stored } = await projectOf();
      if (stored === undefined) throw unexpected(host, what, facts);
      try {
        check(await dryRun(api, context, stored, what, facts));
      } catch (error) {
        await write(ref, stored, live === null ? { rules: [], schedule: '' } : fieldsOf(live));
        throw error;
      }
      await write(ref, stored, rules);
    },
  };
}

/** Rules and schedule as they are compared: without what Harbor numbers itself. */
function documentOf(retention: Fields): unknown {
  const { rules, trigger } = retention;
  const { cron } = fieldsOf(fieldsOf(trigger).settings);
  const list = Array.isArray(rules) ? rules.filter(isFields) : [];
  const schedule = typeof cron === 'string' ? cron : '';
  if (list.length === 0) return null;
  return { algorithm: 'or', rules: list.map(ruleOf), schedule };
}

function ruleOf({ id: _id, priority: _priority, disabled, ...rule }: Fields): Fields {
  return { ...rule, ...(disabled === true ? { disabled } : {}), params: fieldsOf(rule.params) };
}

/** Runs the rules without deleting, and counts what they would delete of each repository. */
async function dryRun(
  { ask }: Harbor,
  { clock, host }: ManagementContext,
  id: string,
  what: string,
  facts: ErrorFacts,
): Promise<RetentionPreview> {
  const started = await ask({
    method: 'POST',
    path: `/retentions/${id}/executions`,
    json: { dry_run: true },
    expect: [200, 201],
    operation: 'write',
    what: `the dry run of ${what}`,
  });
  const location = String([started.headers.location].flat()[0] ?? '');
  const execution = /\/executions\/(\d+)$/.exec(location)?.[1] ?? (await newest(ask, id, what));
  const end = clock.now().getTime() + DRY_RUN_LIMIT_MS;
  for (;;) {
    const tasks = await tasksOf(ask, `/retentions/${id}/executions/${execution}/tasks`, what);
    if (tasks.length > 0 && tasks.every(({ status }) => ENDED.includes(String(status)))) {
      const bad = tasks.find(({ status }) => status !== 'Success');
      if (bad === undefined) return { kind: 'counts', deleted: new Map(tasks.map(countOf)) };
      throw stopped(`the dry run for ${String(bad.repository)} ended with ${String(bad.status)}`, facts);
    }
    if (clock.now().getTime() > end) throw stopped('the dry run has not ended in 5 minutes', facts);
    await clock.sleep(PAUSE_MS);
  }

  function countOf({ repository, total, retained }: Fields): readonly [string, number] {
    if (typeof repository !== 'string' || typeof total !== 'number' || typeof retained !== 'number')
      throw unexpected(host, `the dry run of ${what}`, facts);
    return [repository, total - retained];
  }
}

async function newest(ask: Harbor['ask'], id: string, what: string): Promise<string> {
  const { json } = await ask({
    method: 'GET',
    path: `/retentions/${id}/executions?page=1&page_size=${PAGE_SIZE}`,
    expect: [200],
    operation: 'read',
    what: `the runs of ${what}`,
  });
  const ids = (Array.isArray(json) ? json : []).map((each) => Number(fieldsOf(each).id)).filter(Number.isInteger);
  return String(Math.max(0, ...ids));
}

async function tasksOf(ask: Harbor['ask'], path: string, what: string): Promise<readonly Fields[]> {
  const tasks: Fields[] = [];
  for (let page = 1; tasks.length < MAX_TASKS; page += 1) {
    const { json } = await ask({
      method: 'GET',
      path: `${path}?page=${page}&page_size=${PAGE_SIZE}`,
      expect: [200],
      operation: 'read',
      what: `the dry run of ${what}`,
    });
    const rows = Array.isArray(json) ? json.map(fieldsOf) : [];
    tasks.push(...rows);
    if (rows.length < PAGE_SIZE) break;
  }
  return tasks;
}

function stopped(reason: string, facts: ErrorFacts): ActionError {
  const { registry, repository } = facts;
  return new ActionError(
    'CLEANUP_STOPPED',
    `The tag retention for ${registry}/${repository} is not set: ${reason}. The rules are as they were before.`,
    { facts },
  );
}

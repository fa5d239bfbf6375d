import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest } from '../cloud.ts';

/** What a rule goes by. */
interface RetainedArtifact {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly children?: readonly string[];
}

/** A retention of a project, as Harbor stores it. */
interface StoredRetention {
  readonly id: number;
  readonly project: string;
  policy: Readonly<Record<string, unknown>>;
}

interface Execution {
  readonly id: number;
  readonly policy: number;
  readonly tasks: readonly { readonly repository: string; readonly total: number; readonly retained: number }[];
  polls: number;
}

const FIRST_PROJECT = 2;
const error = (status: number, code: string, message: string): CloudReply => ({
  status,
  body: { errors: [{ code, message }] },
});

/**
 * Tag retention of Harbor: stored by project, numbered by itself, previewed by a dry run of what is stored.
 * https://github.com/goharbor/harbor/tree/main/src/pkg/retention
 */
export function harborRetentions<A extends RetainedArtifact>(
  names: () => readonly string[],
  artifactsOf: (project: string) => Readonly<Record<string, readonly A[]>>,
  retains: (artifact: A, rules: readonly unknown[], repository: string) => boolean,
) {
  const stored: StoredRetention[] = [];
  const executions: Execution[] = [];

  const wrongIn = (policy: Readonly<Record<string, unknown>>): string | undefined => {
    const { rules, scope, trigger, algorithm } = policy;
    if (!Array.isArray(rules) || rules.length > 15) return 'only 15 rules are allowed';
    if (algorithm !== 'or' || fieldsOf(scope).level !== 'project') return 'algorithm or scope';
    if (typeof fieldsOf(fieldsOf(trigger).settings).cron !== 'string') return 'cron is no text';
    const texts = rules.map((rule) => JSON.stringify({ ...fieldsOf(rule), id: 0 }));
    return new Set(texts).size < texts.length ? 'rule duplicated' : undefined;
  };
  const numbered = (policy: Readonly<Record<string, unknown>>) => ({
    ...policy,
    rules: (Array.isArray(policy.rules) ? policy.rules : []).map((rule, index) => ({
      id: index + 1,
      priority: 0,
      disabled: false,
      ...fieldsOf(rule),
    })),
  });

  const run = ({ id, project, policy }: StoredRetention): Execution => {
    const rules = Array.isArray(policy.rules) ? policy.rules : [];
    const tasks = Object.entries(artifactsOf(project)).flatMap(([repository, artifacts]) => {
      const listed = artifacts.filter(
        ({ digest, tags }) => tags.length > 0 || !artifacts.some(({ children = [] }) => children.includes(digest)),
      );
      const own = rules.filter((rule) => isAbout(rule, repository));
      if (own.length === 0) return [];
      const retained = listed.filter((artifact) => retains(artifact, own, repository)).length;
      return [{ repository, total: listed.length, retained }];
    });
    return { id: executions.length + 1, policy: id, tasks, polls: 0 };
  };

  /** Undefined for paths of something else. */
  const answer = ({ method, url, body }: CloudRequest): CloudReply | undefined => {
    const path = url.pathname.replace('/api/v2.0', '');
    const project = /^\/projects\/([^/]+)$/.exec(path)?.[1];
    if (project !== undefined && method === 'GET') {
      const name = decodeURIComponent(project);
      const at = names().indexOf(name);
      if (at < 0) return error(403, 'FORBIDDEN', 'forbidden');
      const own = stored.find((each) => each.project === name);
      const metadata = { public: 'false', ...(own === undefined ? {} : { retention_id: String(own.id) }) };
      return { status: 200, body: { project_id: at + FIRST_PROJECT, name, metadata } };
    }
    if (!path.startsWith('/retentions')) return undefined;
    const [, , id = '', what = '', execution = '', tasks = ''] = path.split('/');
    if (id === '') {
      const policy = fieldsOf(JSON.parse(body));
      const wrong = wrongIn(policy);
      const name = names()[Number(fieldsOf(policy.scope).ref) - FIRST_PROJECT] ?? '';
      if (wrong !== undefined) return error(400, 'BAD_REQUEST', wrong);
      if (stored.some((each) => each.project === name))
        return error(400, 'BAD_REQUEST', `project ${name} already has retention policy`);
      stored.push({ id: stored.length + 1, project: name, policy: numbered(policy) });
      return { status: 201, headers: { location: `/api/v2.0/retentions/${stored.length}` } };
    }
    const found = stored.find((each) => each.id === Number(id));
    if (found === undefined) return error(404, 'NOT_FOUND', 'no such Retention policy');
    if (what === '' && method === 'GET') return { status: 200, body: { ...found.policy, id: found.id } };
    if (what === '' && method === 'PUT') {
      const policy = fieldsOf(JSON.parse(body));
      const wrong = policy.id === found.id ? wrongIn(policy) : 'id';
      if (wrong !== undefined) return error(400, 'BAD_REQUEST', wrong);
      found.policy = numbered(policy);
      return { status: 200 };
    }
    if (what === 'executions' && method === 'POST') {
      if (fieldsOf(JSON.parse(body)).dry_run !== true) return error(500, 'UNKNOWN', 'this double deletes nothing');
      executions.push(run(found));
      return { status: 201, headers: { location: `${url.pathname}/${executions.length}` } };
    }
    const started = executions.find((each) => each.id === Number(execution) && each.policy === found.id);
    if (started === undefined || tasks !== 'tasks') return error(404, 'NOT_FOUND', 'execution');
    started.polls += 1;
    const status = started.polls > 1 ? 'Success' : 'Running';
    return { status: 200, body: started.tasks.map((task, index) => ({ id: index + 1, status, ...task })) };
  };
  return { answer, stored };
}

/** Whether a rule names a repository. */
function isAbout(rule: unknown, repository: string): boolean {
  const { repository: selectors } = fieldsOf(fieldsOf(rule).scope_selectors);
  return (Array.isArray(selectors) ? selectors : []).every((selector) => {
    const { pattern } = fieldsOf(selector);
    return pattern === '**' || pattern === repository;
  });
}

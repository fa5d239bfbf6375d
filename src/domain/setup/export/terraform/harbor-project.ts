import { byText } from '../../../compare-text.ts';
import { type Fields, fieldsOf } from '../../../fields.ts';
import type { LeftOut } from '../exported-file.ts';
import type { HarborProjectState, HarborRobotState } from '../harbor-state.ts';
import { type Line, raw, type TopBlock } from './hcl.ts';
import { identifiersBelow } from './identifiers.ts';
import { importOf, type ModuleSource, type Resource, resource } from './module.ts';

interface Parts {
  readonly variables: readonly TopBlock[];
  readonly resources: readonly Resource[];
  readonly imports: readonly TopBlock[];
  readonly leftOut: readonly LeftOut[];
}

const ROLES: Readonly<Record<number, string>> = {
  1: 'projectadmin',
  2: 'developer',
  3: 'guest',
  4: 'maintainer',
  5: 'limitedguest',
};

/** Rules, members, robot accounts and webhooks of a project. */
export function projectParts(
  project: HarborProjectState,
  own: Resource,
  { registry: { desired }, from }: ModuleSource,
): Parts {
  const { name, line, immutable, retention, members, robots, webhooks } = project;
  const id = own.address.replace(/^harbor_project\./, '');
  const projectId = raw(`${own.address}.id`);
  const variables: TopBlock[] = [];
  const resources: Resource[] = [];
  const imports: TopBlock[] = [];
  const leftOut: LeftOut[] = [];
  const left = (what: string, reason: string) =>
    leftOut.push({
      what: `${desired.at}: ${name} ${what}`,
      reason,
      instead: '`command: setup` without `export` applies it.',
    });
  const add = (each: Resource, path: string | undefined) => {
    resources.push(each);
    if (path !== undefined) imports.push(importOf(each, path));
  };
  const below = (path: string, each: number | undefined) =>
    project.id === undefined || each === undefined ? undefined : `/projects/${project.id}/${path}/${each}`;
  const storage = project.storage ?? -1;
  if (storage >= 0 && storage % 2 ** 30 !== 0)
    left('quota', `The provider takes whole gigabytes, and the quota has ${storage} bytes.`);

  if (immutable !== undefined) {
    const rule = selectionOf(immutable.rule);
    if (rule === undefined) left('immutable', 'The provider has one pattern of repositories and one of tags.');
    else
      add(
        resource(
          'harbor_immutable_tag_rule',
          id,
          [from(line, `immutable tags of ${name}`)],
          [{ name: 'project_id', value: projectId }, ...rule.lines],
        ),
        below('immutabletagrules', immutable.id),
      );
  }
  if (retention !== undefined) {
    const rules = retention.rules.map(retentionRule);
    if (rules.includes(undefined))
      left('retention', 'The project has rules of others that the provider cannot express, and one policy for all.');
    else
      add(
        resource(
          'harbor_retention_policy',
          id,
          [from(line, `retention of ${name}`)],
          [
            { name: 'scope', value: projectId },
            { name: 'schedule', value: retention.cron },
            ...rules.flatMap((rule): readonly Line[] =>
              rule === undefined ? [] : ['blank', { block: 'rule', body: rule }],
            ),
          ],
        ),
        retention.id === undefined ? undefined : `/retentions/${retention.id}`,
      );
  }
  const memberIds = identifiersBelow(
    id,
    members.map((each) => each.name),
  );
  for (const member of members) {
    const isUser = member.kind === 'user';
    add(
      resource(
        isUser ? 'harbor_project_member_user' : 'harbor_project_member_group',
        memberIds.get(member.name) ?? member.name,
        [from(member.line, `access to ${name}`)],
        [
          { name: 'project_id', value: projectId },
          ...(isUser
            ? [{ name: 'user_name', value: member.name }]
            : [
                { name: 'type', value: member.groupType },
                { name: member.groupType === 'ldap' ? 'ldap_group_dn' : 'group_name', value: member.name },
              ]),
          { name: 'role', value: ROLES[member.role] ?? 'guest' },
        ],
      ),
      below('members', member.id),
    );
  }
  const robotIds = identifiersBelow(
    id,
    robots.map((each) => each.name),
  );
  for (const robot of robots) {
    const robotId = robotIds.get(robot.name) ?? robot.name;
    if (robot.id === undefined) variables.push(secretOf(robotId, robot, name));
    add(
      robotOf(robot, robotId, from(robot.line, `robot account ${robot.name} of ${name}`)),
      robot.id === undefined ? undefined : `/robots/${robot.id}`,
    );
  }
  const hookIds = identifiersBelow(
    id,
    webhooks.map((each) => each.name),
  );
  for (const hook of webhooks) {
    if (hook.hasHeader) {
      left(`webhooks.${hook.name}`, 'Its authorization header would be in the state.');
      continue;
    }
    add(
      resource(
        'harbor_project_webhook',
        hookIds.get(hook.name) ?? hook.name,
        [from(hook.line, `webhook of ${name}`)],
        [
          { name: 'project_id', value: projectId },
          { name: 'name', value: hook.name },
          { name: 'address', value: hook.address },
          { name: 'notify_type', value: 'http' },
          { name: 'events_types', value: hook.events },
          { name: 'enabled', value: true },
        ],
      ),
      below('webhook/policies', hook.id),
    );
  }
  return { variables, resources, imports, leftOut };
}

/** Whoever applies gives the secret; it is in no file and, since it is only written, not in the state. */
function secretOf(id: string, { name }: HarborRobotState, project: string): TopBlock {
  return {
    comments: [],
    block: 'variable',
    labels: [`robot_${id}_secret`],
    body: [
      {
        name: 'description',
        value: `Secret of the robot account ${name} of ${project}: 8 to 128 characters, with upper and lower case and a digit.`,
      },
      { name: 'type', value: raw('string') },
      { name: 'sensitive', value: true },
      { name: 'ephemeral', value: true },
    ],
  };
}

function robotOf(
  { name, days, description, permissions, id }: HarborRobotState,
  robotId: string,
  comment: string,
): Resource {
  const rights = permissions.flatMap(({ kind, namespace, access }): readonly Line[] => [
    'blank',
    {
      block: 'permissions',
      body: [
        { name: 'kind', value: String(kind) },
        { name: 'namespace', value: String(namespace) },
        ...accessLines(access),
      ],
    },
  ]);
  return resource(
    'harbor_robot_account',
    robotId,
    [comment],
    [
      // Without the prefix of the instance, which the provider adds.
      { name: 'name', value: name },
      { name: 'level', value: 'project' },
      ...(description === '' ? [] : [{ name: 'description', value: description }]),
      { name: 'duration', value: days },
      ...(id === undefined
        ? [
            { name: 'secret_wo', value: raw(`var.robot_${robotId}_secret`) },
            { name: 'secret_wo_version', value: 1 },
          ]
        : []),
      ...rights,
    ],
  );
}

/** In one order: Harbor returns them in another one each time. */
function accessLines(access: unknown): readonly Line[] {
  const rows = (Array.isArray(access) ? access : []).map(fieldsOf);
  const keyOf = ({ resource: on, action }: Fields) => `${String(on)}:${String(action)}`;
  return rows.toSorted(byText(keyOf)).flatMap(({ resource: on, action }): readonly Line[] => [
    'blank',
    {
      block: 'access',
      body: [
        { name: 'action', value: String(action) },
        { name: 'resource', value: String(on) },
      ],
    },
  ]);
}

const TEMPLATES: Readonly<Record<string, readonly [argument: string, parameter: string]>> = {
  latestPushedK: ['most_recently_pushed', 'latestPushedK'],
  latestPulledN: ['most_recently_pulled', 'latestPulledN'],
  nDaysSinceLastPush: ['n_days_since_last_push', 'nDaysSinceLastPush'],
  nDaysSinceLastPull: ['n_days_since_last_pull', 'nDaysSinceLastPull'],
};

/** Undefined: the provider has no words for it. */
function retentionRule(rule: Fields): readonly Line[] | undefined {
  const selection = selectionOf(rule);
  if (selection === undefined) return undefined;
  const untagged: Line = { name: 'untagged_artifacts', value: selection.isUntagged };
  if (rule.template === 'always') return [{ name: 'always_retain', value: true }, ...selection.lines, untagged];
  const template = TEMPLATES[String(rule.template)];
  if (template === undefined) return undefined;
  const [argument, parameter] = template;
  return [{ name: argument, value: Number(fieldsOf(rule.params)[parameter] ?? 0) }, ...selection.lines, untagged];
}

interface Selection {
  readonly lines: readonly Line[];
  readonly isUntagged: boolean;
}

/** One pattern of repositories and one of tags. */
function selectionOf(rule: Fields): Selection | undefined {
  const { repository } = fieldsOf(rule.scope_selectors);
  const repositories = Array.isArray(repository) ? repository.map(fieldsOf) : [];
  const tags = Array.isArray(rule.tag_selectors) ? rule.tag_selectors.map(fieldsOf) : [];
  const [where, what] = [repositories[0], tags[0]];
  if (repositories.length !== 1 || tags.length !== 1 || where === undefined || what === undefined) return undefined;
  return {
    lines: [
      { name: where.decoration === 'repoExcludes' ? 'repo_excluding' : 'repo_matching', value: String(where.pattern) },
      { name: what.decoration === 'excludes' ? 'tag_excluding' : 'tag_matching', value: String(what.pattern) },
    ],
    isUntagged: typeof what.extras === 'string' && /"untagged"\s*:\s*true/.test(what.extras),
  };
}

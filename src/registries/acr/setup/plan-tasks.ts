import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { DesiredRegistry, Webhook } from '../../../domain/setup/desired-state.ts';
import { denied } from '../../setup/change.ts';
import type { AcrChange } from './plan-registry.ts';
import { type LiveAcr, propertiesOf, region } from './read.ts';
import type { WantedAcr } from './wanted.ts';

export const taskName = (owner: string) => `setup-${owner}-purge`.slice(0, 50);

/** At night, once a day, in UTC. */
const SCHEDULE = '0 2 * * *';

/** The rest of retention is a task that runs `acr purge` in the registry. https://learn.microsoft.com/azure/container-registry/container-registry-auto-purge */
export function planTask({ owner }: DesiredRegistry, { purge }: WantedAcr, live: LiveAcr): readonly AcrChange[] {
  if (purge === undefined || live.registry === undefined) return [];
  const { value: commands, line } = purge;
  if (!live.task.ok) return [denied('retention', live.task.error, line)];
  const { value: task } = live.task;
  const name = taskName(owner);
  const { step, trigger, status } = propertiesOf(task);
  const written = fieldsOf(step).encodedTaskContent;
  const is = task === undefined ? null : typeof written === 'string' ? commandsIn(written) : [];
  const path = `/tasks/${name}`;
  const what = `the purge task ${name}`;
  if (commands.length === 0) {
    if (task === undefined || status === 'Disabled')
      return [{ action: 'equal', name: 'retention', is: null, should: null, line }];
    // Switched off rather than deleted: its runs stay to be looked at.
    const json = { properties: { status: 'Disabled' } };
    return [
      { action: 'remove', name: 'retention', is, should: null, line, request: { method: 'PATCH', path, json, what } },
    ];
  }
  const [timer] = [fieldsOf(trigger).timerTriggers].flat().map(fieldsOf);
  const isSame =
    is !== null && is.join('\n') === commands.join('\n') && status !== 'Disabled' && timer?.schedule === SCHEDULE;
  if (isSame) return [{ action: 'equal', name: 'retention', is, should: commands, line }];
  const json = {
    location: region(live.registry.location),
    properties: {
      status: 'Enabled',
      platform: { os: 'Linux', architecture: 'amd64' },
      timeout: 3600,
      step: { type: 'EncodedTask', encodedTaskContent: contentOf(commands) },
      trigger: { timerTriggers: [{ name: 'daily', schedule: SCHEDULE, status: 'Enabled' }] },
    },
  };
  return [
    {
      action: is === null ? 'create' : 'change',
      name: 'retention',
      is,
      should: commands,
      line,
      request: { method: 'PUT', path, json, what },
    },
  ];
}

/** A task file with one step for each command, as a text of base64. JSON is YAML, and needs no rules of its own for quotes. */
function contentOf(commands: readonly string[]): string {
  const lines = ['version: v1.1.0', 'steps:', ...commands.map((command) => `  - cmd: ${JSON.stringify(command)}`)];
  return Buffer.from(`${lines.join('\n')}\n`).toString('base64');
}

function commandsIn(encoded: string): readonly string[] {
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  return text.split('\n').flatMap((line) => {
    const [, command] = /^ {2}- cmd: (".*")$/.exec(line) ?? [];
    return command === undefined ? [] : [String(JSON.parse(command))];
  });
}

const ACTIONS: Readonly<Partial<Record<Webhook['on'][number], string>>> = {
  push: 'push',
  delete: 'delete',
  quarantine: 'quarantine',
};

/** Webhooks of the registry, and of repositories, which differ in their scope. */
export function planWebhooks(desired: DesiredRegistry, live: LiveAcr): readonly AcrChange[] {
  const wanted = [
    ...(desired.webhooks?.value ?? []).map((hook) => ({ hook, scope: '' })),
    ...desired.repositories.flatMap(({ name, settings }) =>
      (settings.webhooks?.value ?? []).map((hook) => ({ hook, scope: `${name}:*` })),
    ),
  ];
  if (wanted.length === 0 || live.registry === undefined) return [];
  if (!live.webhooks.ok) return [denied('webhooks', live.webhooks.error)];
  const rows = live.webhooks.value;
  const location = region(live.registry.location);
  return wanted.map(({ hook, scope }): AcrChange => {
    const { name, url, on, secret, line } = hook;
    const actions = on.flatMap((event) => ACTIONS[event] ?? []).toSorted();
    const words = (all: readonly string[], of: string) => `${all.join(', ')} of ${of === '' ? 'all repositories' : of}`;
    const should = words(actions, scope);
    const setting = `webhooks.${name}`;
    const what = `the webhook ${name}`;
    const path = `/webhooks/${name}`;
    const json: Fields = { location, properties: { serviceUri: url, actions, scope, status: 'enabled' } };
    const found = rows.find((row) => String(row.name).toLowerCase() === name.toLowerCase());
    const { actions: liveActions, scope: liveScope = '', status } = propertiesOf(found);
    const is =
      found === undefined
        ? null
        : words(Array.isArray(liveActions) ? liveActions.map(String).toSorted() : [], String(liveScope));
    const header = secret === undefined ? {} : { header: secret };
    const reason = 'Azure does not show the address of a webhook, so it is not compared.';
    if (is === should && status !== 'disabled') return { action: 'equal', name: setting, is, should, line, reason };
    const request = { method: 'PUT', path, json, what, ...header } as const;
    return { action: is === null ? 'create' : 'change', name: setting, is, should, line, request };
  });
}

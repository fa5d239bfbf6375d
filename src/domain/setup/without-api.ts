import type { DesiredRegistry, DesiredRepository } from './desired-state.ts';
import type { Json } from './json.ts';
import type { Setting } from './setting.ts';

const OF_REPOSITORIES = [
  'description',
  'labels',
  'visibility',
  'immutable',
  'scan',
  'key',
  'retention',
  'pull',
  'push',
  'admin',
  'quota',
  'webhooks',
] as const;
const OF_REGISTRIES = ['replicate', 'receive', 'cache', 'templates', 'scanning', 'signing', 'webhooks'] as const;

/** All that the file wants of a registry that has no API for settings: each one unsupported, none skipped. Pure. */
export function withoutApi(desired: DesiredRegistry, reason: string): readonly Setting[] {
  const { accept, repositories, line: ownLine } = desired;
  const lacks = (subject: string, accepted: readonly string[], name: string, line: number, should?: Json): Setting => ({
    subject,
    name,
    line,
    action: 'unsupported',
    reason,
    ...(should === undefined ? {} : { should }),
    ...(accepted.includes(name) || accepted.includes('repository') ? { isAccepted: true } : {}),
  });
  const ofRegistry = OF_REGISTRIES.flatMap((name) => {
    const given = desired[name];
    return given === undefined || given.value === null ? [] : [lacks('', accept, name, given.line)];
  });
  const all = [
    ...ofRegistry,
    ...repositories.flatMap((repository) => [
      lacks(repository.name, repository.settings.accept, 'repository', repository.line, 'exists'),
      ...settingsOf(repository).map(({ name, line, should }) =>
        lacks(repository.name, repository.settings.accept, name, line, should),
      ),
    ]),
  ];
  return all.length === 0 ? [lacks('', accept, 'repository', ownLine, 'exists')] : all;
}

interface Lack {
  readonly name: string;
  readonly line: number;
  readonly should: string | undefined;
}

/** Asking for nothing (`none`, `off`) is no lack. */
function settingsOf({ settings }: DesiredRepository): readonly Lack[] {
  return OF_REPOSITORIES.flatMap((name): readonly Lack[] => {
    if (name === 'labels') {
      const [first] = settings.labels?.values() ?? [];
      return first === undefined ? [] : [{ name, line: first.line, should: undefined }];
    }
    const given = settings[name];
    if (given === undefined || given.value === null || given.value === 'off') return [];
    return [{ name, line: given.line, should: typeof given.value === 'string' ? given.value : undefined }];
  });
}

import { describe, expect, test } from 'vitest';
import type { HubRepositoryState, HubState } from '../../../../../../src/domain/setup/export/hub-state.ts';
import type { Setting } from '../../../../../../src/domain/setup/setting.ts';
import type { LiveHubRepository } from '../../../../../../src/registries/docker-hub/setup/plan.ts';
import { planHub } from '../../../../../../src/registries/docker-hub/setup/setup.ts';
import { hubState } from '../../../../../../src/registries/docker-hub/setup/state.ts';
import { desiredRegistry, type PlainRepository } from '../../../../../support/setup/desired.ts';
import { terraformOf } from '../../../../../support/setup/terraform-export.ts';

const at = 'docker.io/acme';

function exported(repositories: readonly PlainRepository[], live: Readonly<Record<string, LiveHubRepository>> = {}) {
  const desired = desiredRegistry(at, repositories);
  const read = new Map(
    Object.entries(live).map(([name, value]) => [name, { ok: true, value } satisfies { ok: true; value: unknown }]),
  );
  return terraformOf('docker-hub', desired, hubState(desired, read, planHub(desired, read)));
}

const live = (fields: LiveHubRepository['fields'], teams: readonly Readonly<Record<string, unknown>>[] = []) =>
  ({
    fields: { name: 'tools', is_private: true, description: 'Tools', ...fields },
    teams: { ok: true, value: teams },
  }) satisfies LiveHubRepository;

describe('what the file does not name stays as it is', () => {
  test('the provider would make a repository public and its tags mutable, so the code says what they are', () => {
    const settings = { immutable_tags_settings: { enabled: true, rules: ['^v.*$', '^1$'] } };
    const { all } = exported([{ name: 'acme/tools' }], { 'acme/tools': live(settings) });
    expect(all).toContain('private     = true');
    expect(all).toContain('description = "Tools"');
    expect(all).toContain('enabled = true\n    rules   = ["^v.*$", "^1$"]');
    expect(all).toContain('ignore_changes  = [full_description]');
  });

  test('a new repository is private', () => {
    const { all, texts } = exported([{ name: 'acme/tools' }]);
    expect(all).toContain('private   = true');
    expect(all).toContain('enabled = false\n    rules   = []');
    expect(texts.has('imports.tf')).toBe(false);
  });

  test('rules that are there in another order keep it', () => {
    const settings = { immutable_tags_settings: { enabled: true, rules: ['^(?:b)$', '^(?:a)$'] } };
    const { all } = exported([{ name: 'acme/tools', immutable: { mode: 'only', tags: ['a', 'b'] } }], {
      'acme/tools': live(settings),
    });
    expect(all).toContain('["^(?:b)$", "^(?:a)$"]');
  });
});

test('what the plan changes is written as it will be', () => {
  const settings = { immutable_tags_settings: { enabled: true, rules: ['^a$'] } };
  const { all } = exported(
    [{ name: 'acme/tools', description: null, visibility: 'public', immutable: { mode: 'off' } }],
    { 'acme/tools': live(settings) },
  );
  expect(all).not.toContain('description =');
  expect(all).toMatch(/private\s+= false/);
  expect(all).toContain('enabled = false\n    rules   = []');
});

test('a repository with a rule that the provider would cut at its comma is left out as a whole', () => {
  const settings = { immutable_tags_settings: { enabled: true, rules: [String.raw`^v\d{1,3}$`] } };
  const { texts, leftOut } = exported([{ name: 'acme/tools', pull: ['hub:team/ops'] }, { name: 'acme/api' }], {
    'acme/tools': live(settings, [{ group_id: 7, group_name: 'ops', permission: 'read' }]),
  });
  expect(texts.get('repositories.tf')).not.toContain('tools');
  expect(texts.has('access.tf')).toBe(false);
  expect(texts.has('imports.tf')).toBe(false);
  expect(leftOut).toEqual([expect.objectContaining({ what: 'docker.io/acme: acme/tools' })]);
});

describe('teams', () => {
  const teams = [
    { group_id: 7, group_name: 'ops', permission: 'admin' },
    { group_id: 9, group_name: 'guests', permission: 'read' },
  ];

  test('are given by number where they have access, and looked up elsewhere', () => {
    const { texts } = exported(
      [
        { name: 'acme/tools', pull: ['hub:team/ops', 'hub:team/ci'] },
        { name: 'acme/api', push: ['hub:team/OPS', 'hub:team/ci'] },
      ],
      { 'acme/tools': live({}, teams) },
    );
    const access = texts.get('access.tf');
    expect(access?.match(/^data /gm)).toHaveLength(1);
    expect(access).toContain('data "docker_org_team" "ci" {\n  org_name  = "acme"\n  team_name = "ci"');
    expect(access?.match(/team_id {4}= 7$/gm)).toHaveLength(2);
    expect(access?.match(/team_id {4}= data\.docker_org_team\.ci\.id$/gm)).toHaveLength(2);
    // Who has more keeps it.
    expect(access).toContain('permission = "admin"');
    expect(texts.get('imports.tf')?.match(/id = "acme\/tools\/\d+"/g)).toEqual(['id = "acme/tools/7"']);
  });

  test('that lose access are left out: code that does not name them leaves them', () => {
    const { texts, leftOut } = exported([{ name: 'acme/tools', pull: ['hub:team/ops'], access: 'exact' }], {
      'acme/tools': live({}, teams),
    });
    expect(texts.get('access.tf')).toContain('permission = "read"');
    expect(texts.get('access.tf')).not.toContain('guests');
    expect(leftOut.map(({ what }) => what)).toEqual(['docker.io/acme: acme/tools team guests']);
  });

  test('whose names come to the same text have blocks of their own', () => {
    const { all } = exported([
      { name: 'acme/a', pull: ['hub:team/b-c'] },
      { name: 'acme/a-b', pull: ['hub:team/c'] },
    ]);
    const names = [...all.matchAll(/^resource "docker_hub_repository_team_permission" "(.*)"/gm)].map(([, id]) => id);
    expect(new Set(names).size).toBe(2);
  });
});

test('a repository that may not be read is not in the code', () => {
  const setting: Setting = { subject: 'acme/tools', name: 'exists', action: 'denied', reason: 'No.' };
  const repositories: readonly HubRepositoryState[] = [];
  const state: HubState = { kind: 'docker-hub', namespace: 'acme', repositories, settings: [setting] };
  const { texts, leftOut } = terraformOf('docker-hub', desiredRegistry(at, []), state);
  expect([...texts.keys()]).toEqual(['versions.tf', 'providers.tf']);
  expect(leftOut).toEqual([{ what: 'docker.io/acme: acme/tools exists', reason: 'No.', instead: '' }]);
});

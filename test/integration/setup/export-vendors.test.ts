import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow, terraformParts } from '../../support/setup/exported.ts';
import { exampleOf, openVendor } from '../../support/setup/vendor-run.ts';
import { VENDOR_SCENES } from '../../support/setup/vendor-scenes.ts';

/** The id of every resource by its kind. https://registry.terraform.io, "Import" of each */
const IDS: Readonly<Record<string, RegExp>> = {
  google_artifact_registry_repository: /^projects\/acme-prod\/locations\/europe\/repositories\/[a-z]+$/,
  google_artifact_registry_repository_iam_member:
    /^projects\/acme-prod\/locations\/europe\/repositories\/[a-z]+ roles\/artifactregistry\.\w+ \S+$/,
  azurerm_container_registry:
    /^\/subscriptions\/[^/]+\/resourceGroups\/registries\/providers\/Microsoft\.ContainerRegistry\/registries\/acmeprod$/,
  azurerm_container_registry_cache_rule: /\/registries\/acmeprod\/cacheRules\/setup-hub$/,
  azurerm_container_registry_credential_set: /\/registries\/acmeprod\/credentialSets\/setup-hub$/,
  azurerm_container_registry_scope_map: /\/registries\/acmeprod\/scopeMaps\/setup-platform-/,
  azurerm_container_registry_token: /\/registries\/acmeprod\/tokens\/(?:ci-push|prod-pull)$/,
  azurerm_container_registry_task: /\/registries\/acmeprod\/tasks\/setup-platform-purge$/,
  azurerm_role_assignment: /\/providers\/Microsoft\.Authorization\/roleAssignments\//,
  harbor_project: /^\/projects\/\d+$/,
  harbor_immutable_tag_rule: /^\/projects\/\d+\/immutabletagrules\/\d+$/,
  harbor_retention_policy: /^\/retentions\/\d+$/,
  harbor_project_member_group: /^\/projects\/\d+\/members\/\d+$/,
  harbor_robot_account: /^\/robots\/\d+$/,
  harbor_project_webhook: /^\/projects\/\d+\/webhook\/policies\/\d+$/,
  harbor_replication: /^\/replication\/policies\/\d+$/,
  docker_hub_repository: /^acme\/(?:tools|internal)$/,
  docker_hub_repository_team_permission: /^acme\/tools\/\d+$/,
  nexus_repository_docker_hosted: /^images$/,
  nexus_repository_docker_group: /^all$/,
  nexus_security_role: /^(?:ci|developers)$/,
  artifactory_local_docker_v2_repository: /^docker-local$/,
  artifactory_virtual_docker_repository: /^docker$/,
};

describe.each([
  'Google Artifact Registry',
  'Azure Container Registry',
  'Harbor',
  'Docker Hub',
  'Sonatype Nexus',
  'JFrog Artifactory',
])('%s', (heading) => {
  test('what setup has made is imported as a whole, from reads only, and a second export has the same bytes', async () => {
    const scene = await VENDOR_SCENES[heading]?.();
    if (scene === undefined) throw new Error(heading);
    const { run, writes, workspace } = await openVendor(scene);
    const config = exampleOf(heading);
    const folder = join(workspace, 'setup-export/terraform');

    const before = await run({ config, export: 'terraform' });
    expect(before.outputs.outcome, before.log).toMatch(/^(?:exported|partial)$/);
    expect(writes()).toEqual([]);
    const nothing = terraformParts(await filesBelow(folder));
    expect([...nothing.imports]).toEqual([]);
    expect(nothing.resources.length).toBeGreaterThan(1);

    const applied = await run({ config, 'dry-run': 'false' });
    expect(applied.exitCode, applied.log).toBe(0);
    const written = writes().length;
    const after = await run({ config, export: 'terraform' });
    expect(after.outputs.outcome, after.log).toMatch(/^(?:exported|partial)$/);
    expect(writes().length).toBe(written);
    expect(scene.problems()).toEqual([]);
    const files = await filesBelow(folder);
    const { imports, resources, all } = terraformParts(files);
    expect([...imports.keys()].toSorted()).toEqual(resources.toSorted());
    for (const [to = '', id = ''] of imports) expect(id, to).toMatch(IDS[to.split('.')[0] ?? ''] ?? /^$/);
    // The same resources as before there was anything.
    expect(resources.toSorted()).toEqual(nothing.resources.toSorted());
    for (const secret of Object.values(scene.env ?? {})) if (secret.length > 8) expect(all).not.toContain(secret);

    await run({ config, export: 'terraform' });
    expect(await filesBelow(folder)).toEqual(files);
  });
});

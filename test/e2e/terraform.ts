import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { fieldsOf, isFields } from '../../src/domain/fields.ts';
import { find, run } from './programs.ts';

/**
 * In the form of `terraform providers schema -json`, with the resources that exports write. Where a provider generates its documentation
 * from its schemas (`docs/resources/*.md`: Required, Optional, Read-Only, nested schemas), they come from there; those of
 * jfrog/artifactory 12.11 come from `pkg/artifactory/resource/repository/**`, whose documentation has no types.
 */
const SCHEMAS = fileURLToPath(new URL('../contracts/terraform-providers.json', import.meta.url));

/** Providers by their source, as far as the file of schemas has them. */
const SOURCES = [
  'hashicorp/aws',
  'hashicorp/google',
  'hashicorp/azurerm',
  'goharbor/harbor',
  'docker/docker',
  'datadrivers/nexus',
  'jfrog/artifactory',
];

/** What Terraform says about a configuration; nothing when it is right. */
export type Check = (folder: string) => Promise<readonly string[]>;

/**
 * Terraform, or OpenTofu where it is not on the PATH, with providers that serve the arguments of the real ones and nothing else: no
 * configuration is initialized, and nothing is fetched. https://developer.hashicorp.com/terraform/cli/config/config-file#development-overrides-for-provider-developers
 */
export async function terraform(): Promise<Check> {
  const path = process.env.PATH ?? '';
  const program = find('terraform', path) ?? find('tofu', path);
  const provider = find('terraform-schema', path);
  if (program === undefined || provider === undefined)
    throw new Error(`terraform (or tofu) and terraform-schema are not on ${path.replaceAll(delimiter, ', ')}`);
  const home = await mkdtemp(join(tmpdir(), 'terraform-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const overrides: string[] = [];
  for (const source of SOURCES) {
    const folder = join(home, source);
    await mkdir(folder, { recursive: true });
    await symlink(provider, join(folder, `terraform-provider-${source.split('/')[1]}`));
    overrides.push(`    ${JSON.stringify(source)} = ${JSON.stringify(folder)}`);
  }
  const config = join(home, 'config.tfrc');
  await writeFile(config, `provider_installation {\n  dev_overrides {\n${overrides.join('\n')}\n  }\n}\n`);
  const env = { ...process.env, TF_CLI_CONFIG_FILE: config, TERRAFORM_SCHEMAS: SCHEMAS, CHECKPOINT_DISABLE: '1' };
  const said = (args: readonly string[]) =>
    run(program, args, { env }).then(
      (text) => ({ isWell: true, text }),
      (error: unknown) => ({
        isWell: false,
        text:
          error instanceof Error && error.cause instanceof Error ? String(fieldsOf(error.cause).stdout) : String(error),
      }),
    );
  return async (folder) => {
    const format = await said([`-chdir=${folder}`, 'fmt', '-check', '-diff', '-no-color']);
    const { text } = await said([`-chdir=${folder}`, 'validate', '-json', '-no-color']);
    const { diagnostics } = fieldsOf(JSON.parse(text));
    const errors = (Array.isArray(diagnostics) ? diagnostics.filter(isFields) : []).flatMap((each) =>
      each.severity === 'error'
        ? [`${String(each.summary)}: ${String(each.detail)} ${JSON.stringify(each.range ?? '')}`]
        : [],
    );
    return [...(format.isWell ? [] : [`not formatted: ${format.text}`]), ...errors];
  };
}

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '1.58.0';
const CACHE = fileURLToPath(new URL(`../../node_modules/.cache/registry-action/cfn-lint-${VERSION}`, import.meta.url));

/**
 * The linter of AWS for templates of CloudFormation, with the schemas of all resource types and AWS's list of IAM actions; from PyPI,
 * and kept for later runs. https://github.com/aws-cloudformation/cfn-lint
 * @throws Error that says what to install: templates that nobody has checked would prove nothing
 */
export async function cfnLint() {
  const home = await installed();
  const env = { ...process.env, PYTHONPATH: home };
  return {
    /** For us-east-1, which has every resource type. Findings of all templates in a folder, each in a line; empty: there is nothing to say against them. */
    lint: async (folder: string): Promise<string> => {
      const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
      const files = names.map((name) => join(folder, name)).sort();
      const args = [join(home, 'bin/cfn-lint'), '--format', 'parseable', '--regions', 'us-east-1', '--', ...files];
      return run('python3', args, { env, timeout: 240_000, maxBuffer: 64 * 1024 * 1024 }).then(
        () => '',
        (error: unknown) => {
          if (isFailed(error) && error.stdout !== '') return error.stdout;
          throw error;
        },
      );
    },
    /** Names of IAM actions of a service, in lower case, with whether they take a repository as resource. */
    actions: async (service: string): Promise<ReadonlyMap<string, boolean>> => {
      const file = join(home, 'cfnlint/data/AdditionalSpecs/Policies.json');
      const all: Record<string, { Actions: Record<string, { Resources?: string[] }> }> = JSON.parse(
        await readFile(file, 'utf8'),
      );
      const actions = Object.entries(all[service]?.Actions ?? {});
      return new Map(actions.map(([name, { Resources = [] }]) => [name, Resources.includes('repository')]));
    },
    /** The description of a resource type in a region. */
    schema: async (type: string): Promise<ResourceSchema> => {
      const schemas = join(home, 'cfnlint/data/schemas');
      const region: Record<string, string> = JSON.parse(
        await readFile(join(schemas, 'providers/us-east-1.json'), 'utf8'),
      );
      return JSON.parse(await readFile(join(schemas, `resources/${region[type]}.json`), 'utf8'));
    },
  };
}

export interface ResourceSchema {
  readonly primaryIdentifier: readonly string[];
  readonly createOnlyProperties?: readonly string[];
  readonly properties: Readonly<Record<string, unknown>>;
}

function isFailed(error: unknown): error is Error & { readonly stdout: string } {
  return error instanceof Error && 'stdout' in error && typeof error.stdout === 'string';
}

async function installed(): Promise<string> {
  if ((await stat(CACHE).catch(() => undefined)) !== undefined) return CACHE;
  await mkdir(dirname(CACHE), { recursive: true });
  const fresh = await mkdtemp(`${CACHE}-`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '--target', fresh, `cfn-lint==${VERSION}`];
  try {
    await run('python3', pip, { timeout: 300_000 });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The tests need cfn-lint ${VERSION}: install python3 with pip. ${reason}`);
  }
  // Several runs may do so at once: the folder appears whole.
  await rename(fresh, CACHE).catch(() => rm(fresh, { recursive: true }));
  return CACHE;
}

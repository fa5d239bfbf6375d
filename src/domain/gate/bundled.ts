import type { ImageFiles } from './image-files.ts';
import { type ScannedKind, scannedAs } from './scanned-files.ts';

/** Lock files that the scanner ignores in images, and where their packages would be installed. */
interface LockRule {
  readonly names: readonly string[];
  /** A folder beside the lock file, or in one of its parent folders. */
  readonly beside?: string;
  /** A kind of file anywhere in the image. */
  readonly anywhere?: ScannedKind;
}

const RULES: readonly LockRule[] = [
  {
    names: ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'],
    beside: 'node_modules',
  },
  { names: ['poetry.lock', 'Pipfile.lock', 'uv.lock', 'pdm.lock', 'pylock.toml'], anywhere: 'python' },
  { names: ['Gemfile.lock', 'gems.locked'], anywhere: 'ruby' },
  { names: ['composer.lock'], anywhere: 'php' },
  { names: ['gradle.lockfile'], anywhere: 'java' },
  { names: ['pubspec.lock', 'mix.lock', 'Package.resolved', 'Podfile.lock', 'conan.lock'] },
  { names: ['deno.lock', 'rebar.lock', 'renv.lock', 'cpanfile.snapshot', 'stack.yaml.lock'] },
];

/** Folders of installed or pending packages, whose lock files are not the application's. */
const INSTALLED =
  /(?:^|\/)(?:node_modules|(?:site|dist)-packages|vendor|gems|\.yarn|\.git|\.npm|\.cache|registry|mod|usr\/(?:share|lib))\//;
const YARN_CACHE = /^(.*?)(?:^|\/)\.yarn\/(?:berry\/)?cache\/[^/]+\.zip$/;
/**
 * The file that installers of Python packages write beside METADATA:
 * https://packaging.python.org/en/latest/specifications/recording-installed-packages/
 */
const DIST_INFO = /^(.*\.dist-info)\/RECORD$/;
/** Archives that contain an application with its dependencies: Electron's, Python's and PHP's. */
const PACKED = /\.(?:asar|pex|pyz|shiv|phar)$/;
/** Java archives with libraries in them that the scanner does not open: plugins of Jenkins, NiFi, Karaf and Liferay. */
const PLUGIN = /\.(?:hpi|jpi|nar|kar|lpkg)$/;
const PNP = /^(.*?)(?:^|\/)\.pnp\.(?:c?js)$/;

export interface BundledPackages {
  /** Lock files whose packages are not installed. */
  readonly locks: readonly string[];
  /** Files and folders of packages stored in archives. */
  readonly archives: readonly string[];
  /** Installed Python packages without name and version: the scanner skips them silently. */
  readonly unnamed: readonly string[];
}

/** Files naming application packages that no installed file mentions. */
export function findBundled(files: ImageFiles): BundledPackages {
  const kinds = new Set<ScannedKind>();
  const found: { readonly path: string; readonly rule: LockRule }[] = [];
  const archives = new Set<string>();
  const unnamed: string[] = [];
  for (const [path] of files.all()) {
    const kind = scannedAs(path, 0);
    if (kind !== undefined) kinds.add(kind);
    const base = path.slice(path.lastIndexOf('/') + 1);
    const rule = RULES.find(({ names }) => names.includes(base));
    if (rule !== undefined && !INSTALLED.test(path)) found.push({ path, rule });
    if ((PNP.test(path) || PACKED.test(path)) && !INSTALLED.test(path)) archives.add(path);
    if (PLUGIN.test(path)) archives.add(path);
    const [, installed] = DIST_INFO.exec(path) ?? [];
    if (installed !== undefined && files.file(`${installed}/METADATA`) === undefined) unnamed.push(path);
    const [, folder] = YARN_CACHE.exec(path) ?? [];
    if (folder !== undefined && !hasBeside(files, `${folder}/x`, 'node_modules'))
      archives.add(path.replace(/\/[^/]+$/, ''));
  }
  const isInstalled = ({ path, rule: { beside, anywhere } }: (typeof found)[number]) =>
    (beside !== undefined && hasBeside(files, path, beside)) || (anywhere !== undefined && kinds.has(anywhere));
  const locks = found.filter((each) => !isInstalled(each)).map(({ path }) => path);
  return { locks: locks.sort(), archives: [...archives].sort(), unnamed };
}

function hasBeside(files: ImageFiles, path: string, name: string): boolean {
  const parts = path.split('/').slice(0, -1);
  return parts
    .map((_, at) => parts.slice(0, parts.length - at))
    .concat([[]])
    .some((folder) =>
      files.list([...folder, name].join('/')).some((each) => !each.startsWith('.') || each === '.pnpm'),
    );
}

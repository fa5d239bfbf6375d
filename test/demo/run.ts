import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs, promisify, styleText } from 'node:util';
import { type ActionRun, runAction } from '../support/action.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { findTrivy } from '../support/trivy.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { showDiagram, showMarkdown } from './terminal.ts';

// Publishes an image to a registry on loopback, shows the gate stopping a vulnerable one, promotes the clean one to production
// and rolls back. Everything is written to one temporary folder, which is removed at the end, also after a failure.

const run = promisify(execFile);
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const APP = { 'app/package.json': '{"name":"app","version":"1.0.0"}', 'app/server.js': 'console.log("hello")' };
const LODASH = { 'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.11"}' };
const DOCKERFILE = `FROM scratch AS common
COPY app /app
FROM common AS for-amd64
FROM common AS for-arm64
COPY arm64 /app
FROM for-\${TARGETARCH}
CMD ["/app/server.js"]
`;
const FINDING = /linux\/arm64: CRITICAL CVE-2019-10744 in lodash 4\.17\.11 → 4\.17\.12/;

const { verbose } = parseArgs({ options: { verbose: { type: 'boolean', default: false } } }).values;
const say = (text = '') => console.log(text);
/** What was shown, for the recap. */
const shown: string[] = [];

function heading(text: string): void {
  say(`\n${styleText('bold', `${shown.length + 1}. ${text}`)}`);
  shown.push(text);
}

/** The steps of a run as its summary draws them; with `--verbose` the whole summary. */
function showRun({ summary }: ActionRun): void {
  say(verbose ? `\n${showMarkdown(summary)}\n` : `   ${styleText('dim', showDiagram(summary))}`);
}

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`The demo expected that ${what}.`);
  say(`   ${styleText('green', '✓')} ${what}`);
}

/** Docker counts only with a running engine and buildx: the client alone cannot build. */
async function canBuild(): Promise<boolean> {
  const works = (args: readonly string[]) =>
    run('docker', args, { timeout: 20_000 }).then(
      () => true,
      () => false,
    );
  return (await works(['version', '--format', '{{.Server.Version}}'])) && (await works(['buildx', 'version']));
}

async function main(): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const temp = await realpath(await mkdtemp(join(tmpdir(), 'registry-action-demo-')));
  cleanup.defer(() => rm(temp, { recursive: true, force: true, maxRetries: 3 }));
  // Whatever the demo or the action writes to the temporary folder goes with it.
  process.env.TMPDIR = temp;

  const trivy = await findTrivy();
  const builds = await canBuild();
  say(`Scanner: Trivy, ${trivy.origin}`);
  say(
    builds
      ? 'Builder: docker buildx'
      : 'Builder: none (no Docker Engine is running); images are OCI layouts, as another build tool writes them',
  );

  const registry = cleanup.use(await startRegistry());
  const mirrors = cleanup.use(await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } }));
  const repository = cleanup.use(await createRepository());
  const image = `${registry.host}/org/app`;
  const digestOf = (tag: string) => registry.tags('org/app')[tag];

  const act = async (inputs: Readonly<Record<string, string>>): Promise<ActionRun> => {
    const action = await runAction({
      inputs: { images: image, ...inputs },
      workspace: repository.directory,
      event: await pushEvent(repository),
      tempDir: join(temp, 'runner'),
      env: {
        PATH: `${trivy.directory}${delimiter}${process.env.PATH}`,
        DOCKER_HOST: process.env.DOCKER_HOST,
        DOCKER_CONFIG: process.env.DOCKER_CONFIG ?? join(process.env.HOME ?? '', '.docker'),
      },
    });
    cleanup.defer(() => action.dispose());
    const post = await action.post();
    if (post.exitCode !== 0) throw new Error(`The post step failed:\n${post.log}`);
    return action;
  };

  /** Commits the application with these files for arm64 and no others, builds it (or writes the layout) and publishes it. */
  const publish = async (message: string, onArm64: Readonly<Record<string, string>>): Promise<ActionRun> => {
    await rm(join(repository.directory, 'arm64'), { recursive: true, force: true });
    const arm64 = Object.fromEntries(
      Object.entries(onArm64).map(([path, content]) => [path.replace(/^app/, 'arm64'), content]),
    );
    await repository.commit(message, { ...APP, 'arm64/.keep': message, ...arm64, Dockerfile: DOCKERFILE });
    if (!builds) {
      const directory = join(repository.directory, '.git', 'image');
      await rm(directory, { recursive: true, force: true });
      const platforms = PLATFORMS.map((platform) => ({
        platform,
        files: { ...APP, 'app/message': message, 'app/arch': platform, ...(platform === 'linux/arm64' ? onArm64 : {}) },
      }));
      const annotations = { 'org.opencontainers.image.revision': await repository.head() };
      await writeLayout(directory, { platforms, annotations });
    }
    const how: Record<string, string> = builds
      ? // The default SBOM generator is an image on Docker Hub; the demo pulls nothing.
        { platforms: PLATFORMS.join(','), sbom: 'false' }
      : { source: '.git/image', sbom: 'true', provenance: 'true' };
    return act({ 'db-repository': mirrors.repository('trivy-db'), ...how });
  };
  const promote = (inputs: Readonly<Record<string, string>>) => act({ command: 'promote', ...inputs });

  heading('A commit is built for two platforms, scanned and published');
  const good = await publish('A clean application', {});
  if (good.exitCode !== 0) throw new Error(`The first publish failed:\n${good.log}`);
  const clean = good.outputs.digest ?? '';
  showRun(good);
  for (const tag of Object.keys(registry.tags('org/app'))) say(`   ${image}:${tag} → ${digestOf(tag)}`);
  expectThat(good.outputs.outcome === 'published', 'the outcome is `published`');
  expectThat(digestOf('main') === clean, 'the tag `main` points to the digest in the outputs');

  heading('The next commit adds lodash 4.17.11, on arm64 only: the gate fails');
  const before = { writes: registry.writes().length, tags: JSON.stringify(registry.tags('org/app')) };
  const bad = await publish('A vulnerable dependency', LODASH);
  showRun(bad);
  say(`   ${FINDING.exec(bad.log)?.[0] ?? ''}`);
  expectThat(bad.exitCode === 1 && bad.outputs.outcome === 'findings', 'the run fails with the outcome `findings`');
  expectThat(FINDING.test(bad.log), 'the error names platform, package and the version with the fix');
  expectThat(
    registry.writes().length === before.writes && JSON.stringify(registry.tags('org/app')) === before.tags,
    'the registry received no write request',
  );

  heading('The clean image is promoted to staging, then to production');
  await promote({ from: clean, environment: 'staging' });
  const live = await promote({
    from: 'env:staging',
    environment: 'production',
    require: `platforms=${PLATFORMS.join(',')}\nprovenance\ndeployed=staging`,
  });
  showRun(live);
  expectThat(live.outputs.outcome === 'promoted', 'the outcome is `promoted`; production requires `deployed=staging`');
  expectThat(digestOf('production') === clean, '`production` points to the digest that was published');

  heading('A newer image goes to production and is rolled back');
  const newer = (await publish('A new page', { 'app/page.html': 'new' })).outputs.digest ?? '';
  await promote({ from: newer, environment: 'production' });
  expectThat(newer !== clean && digestOf('production') === newer, '`production` points to the newer image');
  const back = await promote({ environment: 'production', rollback: 'true' });
  showRun(back);
  expectThat(digestOf('production') === clean, '`rollback: true` moved `production` back to the previous image');
  const again = await promote({ from: newer, environment: 'production' });
  expectThat(
    again.outputs.outcome === 'refused' && digestOf('production') === clean,
    'the image that was rolled back is on hold until a person promotes it with `force`',
  );

  say(`\n${styleText('bold', 'Recap')}`);
  for (const each of shown) say(`   ${styleText('green', '✓')} ${each}`);
  if (!verbose) say(`\nFor the job summaries: npm run demo -- --verbose`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectText } from './fake-docker.ts';
import { writeLayout } from './layout.ts';

/**
 * A `docker` whose builds give a real layout: labels and annotations of the request, build arguments with their values and
 * the context's `dist/app.js` as a file, and something that no other build has. Each build is a line in `DOCKER_BUILDS`.
 */
const [, , command = '', sub = '', ...rest] = process.argv;
const all = [command, sub, ...rest];

if (command === 'version') console.log('"28.5.2"');
else if (sub === 'version') console.log('github.com/docker/buildx v0.37.2 9df0a7e');
else if (sub === 'inspect') console.log(inspectText({ name: all.at(-1) ?? 'current', driver: 'docker-container' }));
else if (sub === 'build') await build();
else console.log('done');

async function build(): Promise<void> {
  const values = (flag: string) => all.flatMap((word, at) => (word === flag ? (all[at + 1] ?? []) : []));
  const pairs = (lines: readonly string[]) =>
    Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf('=');
        return at === -1 ? [line, process.env[line] ?? ''] : [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  const directory = /dest=([^,]*)/.exec(values('--output')[0] ?? '')?.[1] ?? '';
  const [metadata = ''] = values('--metadata-file');
  const args = pairs(values('--build-arg'));
  const app = join(all.at(-1) ?? '.', 'dist/app.js');
  const files = {
    'app/args.json': JSON.stringify(args),
    'app/dist': existsSync(app) ? readFileSync(app) : '',
    'app/nonce': randomUUID(),
  };
  const annotations = pairs(
    values('--annotation').flatMap((line) => (line.startsWith('index:') ? line.slice('index:'.length) : [])),
  );
  const platforms = (values('--platform')[0] ?? 'linux/amd64').split(',');
  const labels = pairs(values('--label'));
  const written = await writeLayout(directory, {
    platforms: platforms.map((platform) => ({ platform, files, labels })),
    annotations,
    names: values('--tag'),
  });
  writeFileSync(metadata, JSON.stringify({ 'containerimage.digest': written.digest }));
  appendFileSync(process.env.BUILDX_BUILDS ?? '', `${written.digest}\n`);
}

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Shell code for what `docker <name>` answers; `$@` holds all arguments. What is left out answers like a healthy docker. */
export type DockerAnswers = Partial<
  Record<'version' | 'buildx-version' | 'buildx-inspect' | 'buildx-create' | 'buildx-build' | 'buildx-rm', string>
>;

export const FAKE_DIGEST = `sha256:${'5'.repeat(64)}`;

/** What `docker buildx inspect` prints for a builder of one node. */
export function inspectText(facts: {
  readonly name: string;
  readonly driver: string;
  readonly status?: string;
  readonly buildkit?: string;
  readonly labels?: readonly string[];
  readonly nodes?: number;
}): string {
  const node = (at: number) => `Name:                  ${facts.name}${at}
Endpoint:              unix:///var/run/docker.sock
Status:                ${facts.status ?? 'running'}
BuildKit version:      ${facts.buildkit ?? 'v0.33.1'}
Platforms:             linux/amd64, linux/amd64/v2*, linux/386
Labels:
${(facts.labels ?? []).map((label) => ` ${label}`).join('\n')}
GC Policy rule#0:
 All:            false
`;
  const nodes = Array.from({ length: facts.nodes ?? 1 }, (_, at) => node(at));
  return `Name:          ${facts.name}\nDriver:        ${facts.driver}\nLast Activity: 2026-01-02 03:04:05 +0000 UTC\n\nNodes:\n${nodes.join('\n')}`;
}

const HEALTHY: Required<DockerAnswers> = {
  version: `echo '"28.5.2"'`,
  'buildx-version': 'echo "github.com/docker/buildx v0.37.2 9df0a7e"',
  'buildx-inspect': `name=$3; [ "$name" = --bootstrap ] && name=$4; cat <<END
${inspectText({ name: '${name:-current}', driver: 'docker-container' })}
END`,
  'buildx-create': 'echo created',
  'buildx-rm': 'echo removed',
  'buildx-build': `while [ $# -gt 0 ]; do
  case $1 in
    --metadata-file) echo '{"containerimage.digest":"${FAKE_DIGEST}"}' >"$2" ;;
  esac
  shift
done
echo '#1 DONE 0.1s' >&2`,
};

/**
 * Puts a `docker` into a folder for PATH that answers as told, and notes how it was called.
 * @returns the PATH to use, and what was called: the arguments and the names of the variables in its environment
 */
export async function fakeDocker(directory: string, answers: DockerAnswers = {}) {
  const calls = join(directory, 'calls');
  const cases = Object.entries({ ...HEALTHY, ...answers }).map(([name, code]) => {
    const [first, second = '*'] = name.split('-');
    return `"${first} ${second === '*' ? '"*' : `${second}"`})\n${code}\n;;`;
  });
  await mkdir(directory, { recursive: true });
  const script = `#!/bin/sh
{ printf '%s\\n' "$@"; printf 'ENV '; env | sed 's/=.*//' | sort | tr '\\n' ' '; printf '\\n\\n'; } >>${calls}
case "$1 $2" in
${cases.join('\n')}
*) echo "unexpected: docker $*" >&2; exit 99 ;;
esac
`;
  await writeFile(join(directory, 'docker'), script);
  await chmod(join(directory, 'docker'), 0o755);
  return {
    path: `${directory}:/usr/bin:/bin`,
    calls: async () => {
      const text = await readFile(calls, 'utf8').catch(() => '');
      return text
        .split('\n\n')
        .filter((call) => call !== '')
        .map((call) => {
          const lines = call.split('\n');
          const env = lines.at(-1)?.slice('ENV '.length).trim().split(' ') ?? [];
          return { args: lines.slice(0, -1), env };
        });
    },
  };
}

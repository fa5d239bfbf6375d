import { byText, sortedByKey } from '../../../compare-text.ts';
import type { Exported, ExportedFile, ExportedRegistry, Exporter } from '../exported-file.ts';
import { generatedFrom } from '../origin.ts';
import { hostFolder, hostsToml } from './hosts-toml.ts';
import { type Mirror, mirrorsOf } from './mirrors.ts';

/** Programs that get a login from the cloud, by kind of registry: `docker-credential-<name>`. */
const CREDENTIAL_HELPERS: Readonly<Record<string, string>> = {
  ecr: 'ecr-login',
  'ecr-public': 'ecr-login',
  'artifact-registry': 'gcloud',
  acr: 'acr-env',
};

/**
 * Configuration of container engines: mirrors for containerd and Docker, and the programs that log in at the clouds. No secret is in it.
 */
export const exportDocker: Exporter = ({ registries, configName }): Exported => {
  const { mirrors, leftOut } = mirrorsOf(registries);
  const byHost = Map.groupBy(mirrors, ({ of }) => of);
  const hosts = [...byHost].map(
    ([host, own]): ExportedFile => ({
      path: `containerd/certs.d/${hostFolder(host)}/hosts.toml`,
      text: hostsToml(configName, host, own),
    }),
  );
  const hub = byHost.get('docker.io') ?? [];
  const files = [...hosts, ...daemonConfig(hub), ...dockerConfig(registries)];
  if (files.length === 0) return { files, leftOut };
  const readme = { path: 'README.md', text: readmeText(configName, files, notesOn(hub, registries)) };
  return { files: [...files, readme].toSorted(byText(({ path }) => path)), leftOut };
};

/** https://docs.docker.com/docker-hub/image-library/mirror/ */
function daemonConfig(mirrors: readonly Mirror[]): readonly ExportedFile[] {
  const urls = [...new Set(mirrors.flatMap(({ daemonUrl }) => daemonUrl ?? []))];
  return urls.length === 0 ? [] : [{ path: 'docker/daemon.json', text: json({ 'registry-mirrors': urls }) }];
}

function dockerConfig(registries: readonly ExportedRegistry[]): readonly ExportedFile[] {
  const helpers = new Map<string, string>();
  for (const { vendor, desired } of registries) {
    const helper = CREDENTIAL_HELPERS[vendor];
    if (helper !== undefined) helpers.set(desired.host, helper);
  }
  const credHelpers = Object.fromEntries(sortedByKey(helpers));
  return helpers.size === 0 ? [] : [{ path: 'docker/config.json', text: json({ credHelpers }) }];
}

/** What the files do not have, since Docker has nothing for it. */
function notesOn(hub: readonly Mirror[], registries: readonly ExportedRegistry[]): readonly string[] {
  const behind = hub.filter(({ daemonUrl }) => daemonUrl === undefined).map(({ url }) => `\`${url}\``);
  const hosts = registries.flatMap(({ vendor, desired }) =>
    CREDENTIAL_HELPERS[vendor] === undefined ? [`\`${desired.host}\``] : [],
  );
  return [
    ...(behind.length === 0
      ? []
      : [
          `Not in \`daemon.json\`: ${behind.join(', ')}. Docker appends \`/v2/\` to the path of a mirror, and these caches have their prefix behind \`/v2/\`. Use the containerd image store with \`hosts.toml\`, or name images by the cache.`,
        ]),
    ...(hosts.length === 0
      ? []
      : [
          `There is no credential helper for ${[...new Set(hosts)].join(', ')}. Log in with \`docker login HOST --username NAME --password-stdin\`.`,
        ]),
  ];
}

const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;

const PLACES: readonly { readonly path: string; readonly lines: readonly string[] }[] = [
  {
    path: 'containerd/certs.d/',
    lines: [
      '- `containerd/certs.d/`: to `/etc/containerd/certs.d/`, with `config_path = "/etc/containerd/certs.d"` in the registry section of',
      '  `/etc/containerd/config.toml`. Docker with the containerd image store reads the same files in `/etc/docker/certs.d/`. `ctr` needs `--hosts-dir`.',
    ],
  },
  {
    path: 'docker/daemon.json',
    lines: [
      '- `docker/daemon.json`: merge it into `/etc/docker/daemon.json`, try it with `dockerd --validate`, and restart Docker. `registry-mirrors` is for',
      '  Docker Hub only, and Docker sends no login to a mirror.',
    ],
  },
  {
    path: 'docker/config.json',
    lines: [
      '- `docker/config.json`: merge it into `~/.docker/config.json`. The programs `docker-credential-<name>` have to be in `PATH`: `ecr-login` is',
      '  [amazon-ecr-credential-helper](https://github.com/awslabs/amazon-ecr-credential-helper), `gcloud` comes with the Google Cloud CLI, `acr-env` is',
      '  [docker-credential-acr-env](https://github.com/chrismellard/docker-credential-acr-env).',
    ],
  },
];

function readmeText(configName: string, files: readonly ExportedFile[], notes: readonly string[]): string {
  const lines = PLACES.filter(({ path }) => files.some((file) => file.path.startsWith(path))).flatMap(
    (each) => each.lines,
  );
  return [
    '# Configuration of container engines',
    '',
    generatedFrom(configName),
    '',
    'Where each file goes:',
    '',
    ...lines,
    ...notes.flatMap((note) => ['', note]),
    '',
  ].join('\n');
}

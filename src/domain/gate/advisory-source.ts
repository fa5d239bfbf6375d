/** Parts of a version up to the given number of dots. */
const upTo = (parts: number) => (version: string) => version.split('.').slice(0, parts).join('.');
const all = (version: string) => version;
const none = () => '';

/**
 * The scanner's advisories for a system's packages: the name of a bucket in its database, by the family that it
 * reports. Missing families have buckets that do not distinguish releases, or none.
 * https://github.com/aquasecurity/trivy-db/tree/main/pkg/vulnsrc,
 * https://github.com/aquasecurity/trivy/tree/main/pkg/detector/ospkg
 */
const BUCKETS: Readonly<Record<string, readonly [string, (version: string) => string]>> = {
  alpine: ['alpine', upTo(2)],
  alma: ['alma', upTo(1)],
  rocky: ['rocky', upTo(1)],
  debian: ['debian', upTo(1)],
  ubuntu: ['ubuntu', (version) => version.replace(/-ESM$/, '')],
  oracle: ['Oracle Linux', upTo(1)],
  photon: ['Photon OS', all],
  azurelinux: ['Azure Linux', upTo(2)],
  'cbl-mariner': ['CBL-Mariner', upTo(2)],
  amazon: ['amazon linux', (version) => amazonRelease(version)],
  'opensuse-leap': ['openSUSE Leap', all],
  'opensuse-tumbleweed': ['openSUSE Tumbleweed', none],
  sles: ['SUSE Linux Enterprise', all],
  slem: ['SUSE Linux Enterprise Micro', all],
  bottlerocket: ['bottlerocket', none],
  redhat: ['Red Hat', none],
  centos: ['Red Hat', none],
  wolfi: ['wolfi', none],
  chainguard: ['chainguard', none],
  minimos: ['minimos', none],
  echo: ['echo', none],
};

function amazonRelease(version: string): string {
  const [major = ''] = (version.split(/\s/)[0] ?? '').split('.');
  return ['2', '2022', '2023'].includes(major) ? major : '1';
}

/** The advisories for a system; undefined when their bucket name is unknown. */
export function advisorySource(family: string, version: string): string | undefined {
  const [name, release] = BUCKETS[family] ?? [];
  return name === undefined || release === undefined ? undefined : `${name} ${release(version)}`.trim();
}

/** Families by the `ID` in os-release, for those that the scanner distinguishes by it. */
const FAMILIES: Readonly<Record<string, string>> = {
  alpine: 'alpine',
  debian: 'debian',
  ubuntu: 'ubuntu',
  rhel: 'redhat',
  centos: 'centos',
  rocky: 'rocky',
  almalinux: 'alma',
  ol: 'oracle',
  amzn: 'amazon',
  photon: 'photon',
  wolfi: 'wolfi',
  chainguard: 'chainguard',
  azurelinux: 'azurelinux',
  mariner: 'cbl-mariner',
};

/** Fields of an os-release file. https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export interface Release {
  readonly id: string;
  readonly version: string;
}

export function parseRelease(text: string): Release {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value.trim().replace(/^(["'])(.*)\1$/, '$2'));
  }
  return { id: values.get('ID')?.toLowerCase() ?? '', version: values.get('VERSION_ID') ?? '' };
}

/** Whether the scanner identified another system or release than the image declares. */
export function isOtherRelease(
  release: Release,
  system: { readonly family: string; readonly version: string },
): boolean {
  const family = FAMILIES[release.id];
  if (family === undefined) return false;
  if (family !== system.family) return true;
  const [said, taken] = [release.version, system.version].map((each) => each.split(/[.\s_-]/));
  if (said === undefined || taken === undefined || release.version === '') return false;
  // One side may name a rolling release by a word: `edge`, `bookworm/sid`.
  if (!/^\d/.test(release.version) || !/^\d/.test(system.version)) return false;
  const parts = family === 'alpine' || family === 'ubuntu' ? 2 : 1;
  return said.slice(0, parts).some((part, at) => taken[at] !== undefined && taken[at] !== part);
}

import type { PlatformFields } from './manifest.ts';

/** `linux/arm64`, `linux/arm/v7`: the format that users write and read, without the default variant of arm64 (v8). */
export function platformName(platform: PlatformFields): string {
  const variant = platform.architecture === 'arm64' && platform.variant === 'v8' ? undefined : platform.variant;
  return [platform.os, platform.architecture, variant].filter(Boolean).join('/');
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  i386: '386',
  'x86-64': 'amd64',
  x86_64: 'amd64',
  aarch64: 'arm64',
  armhf: 'arm/v7',
  armel: 'arm/v6',
};
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { 'amd64/v1': 'amd64', 'arm64/v8': 'arm64', arm: 'arm/v7' };

/**
 * Normalises a platform: `linux/aarch64`, `linux/arm64/v8` and `arm64` are all `linux/arm64`. Rules:
 * https://github.com/containerd/platforms/blob/main/database.go
 */
export function normalPlatform(text: string): string {
  const parts = text.trim().toLowerCase().split('/');
  const [os = '', architecture = '', ...variant] = parts.length === 1 ? ['linux', ...parts] : parts;
  const rest = [ARCHITECTURES[architecture] ?? architecture, ...variant.map((each) => each.replace(/^(?=\d)/, 'v'))];
  const machine = rest.join('/');
  return `${os === 'macos' ? 'darwin' : os}/${DEFAULT_VARIANTS[machine] ?? machine}`;
}

/**
 * The problem with an image's platform names, as a phrase; undefined when it uses Go's names, as specified. Some
 * clients normalise other names, others do not, among them the scanner.
 * https://github.com/opencontainers/image-spec/blob/main/config.md#properties
 */
export function spellingProblem({ os, architecture }: PlatformFields): string | undefined {
  const name = ARCHITECTURES[architecture.toLowerCase()]?.split('/')[0] ?? architecture.toLowerCase();
  if (name !== architecture)
    return `its architecture is \`${printable(architecture)}\`, expected \`${printable(name)}\``;
  if (!/^[a-z0-9_]+$/.test(architecture)) {
    return `its architecture is \`${printable(architecture)}\`, expected a name such as \`arm64\`, with the variant in \`variant\``;
  }
  const system = os.toLowerCase() === 'macos' ? 'darwin' : os.toLowerCase();
  return system === os ? undefined : `its operating system is \`${printable(os)}\`, expected \`${printable(system)}\``;
}

function printable(text: string): string {
  return text.slice(0, 50).replace(/[^\x20-\x7e]/g, '?');
}

/**
 * The mismatch between the requested platforms and those of an image, as a sentence; undefined when there is none.
 * Pure.
 * @param asked as the user wrote them; `local` is the builder's own platform
 * @param present names of the platforms in the image, one for each manifest
 */
export function platformProblem(asked: readonly string[], present: readonly string[]): string | undefined {
  const wanted = asked.filter((each) => each.trim() !== 'local');
  const anyOne = wanted.length < asked.length;
  const names = new Set(wanted.map(normalPlatform));
  const held = new Set(present.map(normalPlatform));
  const missing = [...names].filter((name) => !held.has(name));
  const surplus = [...held].filter((name) => !names.has(name));
  const twice = present.filter((name, at) => present.indexOf(name) !== at && !name.startsWith('windows/'));
  const parts = [
    missing.length > 0 ? `${missing.join(', ')} is missing` : '',
    surplus.length > (anyOne ? 1 : 0) ? `${surplus.join(', ')} was not requested` : '',
    twice.length > 0 ? `${twice.join(', ')} occurs more than once` : '',
  ].filter(Boolean);
  if (parts.length === 0) return undefined;
  return `The image has ${present.join(', ') || 'no platform'}, but \`platforms\` lists ${asked.join(', ')}: ${parts.join('; ')}.`;
}

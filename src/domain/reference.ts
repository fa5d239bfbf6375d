import { type Parsed, parsed, problems } from './parsed.ts';
import { quoted } from './suggestion.ts';
import { mistakeInSyntax } from './tags/mistakes.ts';

/** The name of a repository in a registry, without tag and digest. */
export interface ImageName {
  /** `ghcr.io`, `registry.example.com:5000`; Docker Hub is `docker.io`. The key for credentials. */
  readonly host: string;
  /** Path in the registry: `org/app`; `library/alpine` for `alpine`. */
  readonly repository: string;
  /** In full: `docker.io/library/alpine`. Equal for all spellings of the same repository. */
  readonly name: string;
  /** As the user wrote it, in lower case: `alpine`. Shown in outputs. */
  readonly familiarName: string;
}

const DOCKER_HUB = 'docker.io';

/** Hosts that show web pages about images, or once were registries, and the registry to name instead. */
const NO_REGISTRIES: Readonly<Record<string, string>> = {
  'hub.docker.com': DOCKER_HUB,
  'docker.com': DOCKER_HUB,
  'github.com': 'ghcr.io',
  'docker.pkg.github.com': 'ghcr.io',
  'gitlab.com': 'registry.gitlab.com',
  'gallery.ecr.aws': 'public.ecr.aws',
};

/** https://github.com/distribution/reference/blob/main/regexp.go */
const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[a-f0-9:]+\])(?::(?<port>[0-9]{1,5}))?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 255;

/**
 * Reads an image name like docker, after converting it to lower case: the first part is a host if it contains a dot or
 * a colon or is `localhost`; otherwise the image is on Docker Hub.
 * https://github.com/distribution/reference/blob/main/normalize.go
 */
export function parseImageName(text: string): Parsed<ImageName> {
  const familiarName = text.trim().toLowerCase();
  const refuse = (why: string) => problems(`${quoted(text.trim())} is not an image name: ${why}`);
  if (familiarName === '') return refuse('it is empty');
  if (hasUserinfo(familiarName)) {
    return problems('an image name cannot contain credentials: use `username` and `password`, or `registry-auth`');
  }
  const mistake = mistakeInSyntax(text);
  if (mistake !== undefined) return refuse(mistake);
  if (familiarName.includes('://')) return refuse('leave out the scheme, as in `ghcr.io/org/app`');
  if (familiarName.includes('@')) return refuse('leave out the digest');
  if (/^['‘’“”<].*['‘’“”>]$/u.test(familiarName)) return refuse('leave out the quotes');
  const parts = familiarName.split('/');
  const [first = '', ...rest] = parts;
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasHost ? rest : parts;
  if (path.at(-1)?.includes(':')) {
    return refuse(
      path.length === 1 && !hasHost
        ? 'leave out the tag, or add a path after the host'
        : 'tags are written into `tags`: leave out the tag',
    );
  }
  if (parts.includes('')) return refuse('a part of it is empty. Is the variable behind it set?');

  const host = !hasHost || first === 'index.docker.io' || first === apiHost(DOCKER_HUB) ? DOCKER_HUB : first;
  const found = host.length > MAX_NAME_LENGTH ? null : HOST.exec(host);
  const port = Number(found?.groups?.port ?? 443);
  if (found === null || port < 1 || port > 65535) return refuse(`${quoted(host)} is not a host`);
  const instead = NO_REGISTRIES[host];
  if (instead !== undefined)
    return refuse(`${host} is not a registry; images there have names that begin with \`${instead}/\``);
  const wrong = path.find((part) => !COMPONENT.test(part));
  if (wrong !== undefined) {
    return refuse(
      `${quoted(wrong)} cannot be a part of it; parts are of a-z and 0-9, with single \`.\` and \`_\`, \`__\` or \`-\` between`,
    );
  }
  const repository = host === DOCKER_HUB && path.length === 1 ? `library/${path[0]}` : path.join('/');
  if (repository.length > MAX_NAME_LENGTH) return refuse(`the path is longer than ${MAX_NAME_LENGTH} characters`);
  if (!hasHost && path.length === 1 && /^(?:[a-z0-9-]+\.)+[a-z]{2,}$/.test(first)) {
    return refuse('that is a registry, and the repository behind it is missing, as in `ghcr.io/org/app`');
  }
  if (!hasHost && path.length === 1 && /^[a-f0-9]{64}$/.test(first)) return refuse('it looks like an image id');
  return parsed({ host, repository, name: `${host}/${repository}`, familiarName });
}

/** `user:password@host/…`, with or without a scheme. In a digest the colon follows the `@`. */
function hasUserinfo(text: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/@\s]*@(?!sha\d+:)/i.test(text);
}

/** The API host of a registry: Docker Hub's differs from the host in image names. */
export function apiHost(host: string): string {
  return host === DOCKER_HUB ? 'registry-1.docker.io' : host;
}

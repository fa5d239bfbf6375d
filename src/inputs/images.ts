import { type Image, parseImages } from '../domain/images.ts';

/** The images that a command works on. */
export interface NamedImages {
  readonly images: readonly Image[];
  /** Nothing is named, and the repository's own image is meant. */
  readonly isDefault: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The images that are named; where none is and one is needed, the one of the repository. */
export function withDefaultImage(images: readonly Image[], env: Env, isNeeded = true): NamedImages {
  const image = isNeeded && images.length === 0 ? defaultImage(env) : undefined;
  return image === undefined ? { images, isDefault: false } : { images: [image], isDefault: true };
}

/**
 * The image of a workflow that names none: `ghcr.io/<owner>/<repository>` in lower case, which the job's own token may push
 * to. Undefined on GitHub Enterprise Server, which has no ghcr.io, and where the repository's name is no image name.
 */
function defaultImage(env: Env): Image | undefined {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SERVER_URL: server = 'https://github.com' } = env;
  if (server !== 'https://github.com' || !/^[^/\s]+\/[^/\s]+$/.test(repository)) return undefined;
  const images = parseImages([`ghcr.io/${repository.toLowerCase()}`]);
  return images.ok ? images.value[0] : undefined;
}

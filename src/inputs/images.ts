import { type Image, parseImages } from '../domain/images.ts';

/** The images of a command. */
export interface NamedImages {
  readonly images: readonly Image[];
  /** No image is given, and the repository's default is meant. */
  readonly isDefault: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The given images; if there are none and one is needed, the repository's default. */
export function withDefaultImage(images: readonly Image[], env: Env, isNeeded = true): NamedImages {
  const image = isNeeded && images.length === 0 ? defaultImage(env) : undefined;
  return image === undefined ? { images, isDefault: false } : { images: [image], isDefault: true };
}

/**
 * The default image: `ghcr.io/<owner>/<repository>` in lower case, which the job's own token may push to. Undefined on
 * GitHub Enterprise Server, which has no ghcr.io, and when the repository's name is not a valid image name.
 */
function defaultImage(env: Env): Image | undefined {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SERVER_URL: server = 'https://github.com' } = env;
  if (server !== 'https://github.com' || !/^[^/\s]+\/[^/\s]+$/.test(repository)) return undefined;
  const images = parseImages([`ghcr.io/${repository.toLowerCase()}`]);
  return images.ok ? images.value[0] : undefined;
}

import { parseImages } from '../domain/images.ts';

/**
 * The image of a workflow that names none: `ghcr.io/<owner>/<repository>` in lower case, which the job's own token may push
 * to. Undefined on GitHub Enterprise Server, which has no ghcr.io, and where the repository's name is no image name.
 */
export function defaultImage(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SERVER_URL: server = 'https://github.com' } = env;
  if (server !== 'https://github.com' || !/^[^/\s]+\/[^/\s]+$/.test(repository)) return undefined;
  const image = `ghcr.io/${repository.toLowerCase()}`;
  return parseImages([image]).ok ? image : undefined;
}

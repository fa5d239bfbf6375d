/**
 * The path of a Dockerfile in its repository, for annotations and alerts: with forward slashes, never absolute and
 * never with `..`. A git URL as context has its folder in the fragment, `#ref:folder`, and `file` is relative to it.
 * @param file of the `file` input, undefined when unset
 * @returns undefined when the file is not in the repository
 */
export function dockerfilePath(context: string, file: string | undefined, workspace: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|\{\{/i.test(context)) {
    const folder = context.split('#')[1]?.split(':').slice(1).join(':') ?? '';
    return inside(`${folder}/${file ?? 'Dockerfile'}`);
  }
  const path = (file ?? `${context}/Dockerfile`).replaceAll('\\', '/');
  const root = workspace.replaceAll('\\', '/').replace(/\/+$/, '');
  if (path === root || path.startsWith(`${root}/`)) return inside(path.slice(root.length));
  return path.startsWith('/') || /^[a-z]:/i.test(path) || path === '-' ? undefined : inside(path);
}

function inside(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join('/');
}

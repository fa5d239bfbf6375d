import { isDockerHub } from '../../cache.ts';
import { generatedFrom, origin } from '../origin.ts';
import { type Mirror, schemeOf } from './mirrors.ts';

/**
 * The folder of a registry in `certs.d`. containerd reads a port as `_5000_` on every system, and as `:5000` on some; artifacts of a
 * workflow cannot have a colon in a name.
 * https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
export function hostFolder(host: string): string {
  return host.replace(/:(\d+)$/, '_$1_');
}

/**
 * Where containerd pulls images of one registry from: its mirrors in the order of the file, then the registry itself.
 * @param mirrors all of one registry
 */
export function hostsToml(configName: string, host: string, mirrors: readonly Mirror[]): string {
  const server = isDockerHub(host) ? 'https://registry-1.docker.io' : `${schemeOf(host)}://${host}`;
  const blocks = mirrors.map(({ url, resolves, registry, line }) => {
    const capabilities = resolves ? '["pull", "resolve"]' : '["pull"]';
    const isPath = new URL(url).pathname !== '/';
    return [
      `# ${origin(configName, line, `${resolves ? 'cache' : 'replica'} of ${registry}`)}`,
      ...(resolves ? [] : ['# A replica lags behind, so tags are resolved at the registry itself.']),
      `[host.${JSON.stringify(url)}]`,
      `  capabilities = ${capabilities}`,
      // Without it, containerd puts /v2 behind the path, too.
      ...(isPath ? ['  override_path = true'] : []),
    ].join('\n');
  });
  return [
    `# ${generatedFrom(configName)}`,
    `# Kubernetes passes on only the login for ${host}: a mirror that wants a login of its own is skipped, and the image comes from ${host}.`,
    `server = ${JSON.stringify(server)}`,
    ...blocks.flatMap((block) => ['', block]),
    '',
  ].join('\n');
}

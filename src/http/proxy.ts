import { ActionError } from '../errors/action-error.ts';
import { inNetwork, isLoopback } from './addresses.ts';

/**
 * The proxy for a URL, by the usual variables; lower case takes precedence, as in curl. Localhost never uses a proxy.
 * @returns URL of the proxy, or undefined
 * @throws ActionError INPUT_INVALID when it is not the URL of an HTTP proxy
 */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const proxy =
    url.protocol === 'https:' ? (read('HTTPS_PROXY') ?? read('ALL_PROXY')) : (read('HTTP_PROXY') ?? read('ALL_PROXY'));
  if (proxy === undefined || isLoopback(url.hostname)) return undefined;
  const exempt = (read('NO_PROXY') ?? '').split(/[\s,]+/).some((entry) => isExempt(url, entry.toLowerCase()));
  if (exempt) return undefined;
  // `proxy.example.com:3128` is common, and curl reads it as HTTP.
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (isUsable(address)) return address;
  // Not quoted: it may contain a password.
  throw new ActionError(
    'INPUT_INVALID',
    `The variable ${url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'} or ALL_PROXY is not the URL of an HTTP proxy, such as http://user:password@proxy.example.com:3128. In a password %, @, : and / are written %25, %40, %3A and %2F; SOCKS is not supported. Add ${url.hostname} to NO_PROXY if it needs no proxy.`,
  );
}

/**
 * `*`, `example.com` and `.example.com` (the domain and all subdomains), each optionally with a port, and addresses and
 * networks: `10.0.0.0/8`, `fd00::1`, `[fd00::1]:5000`.
 */
function isExempt({ hostname, port, protocol }: URL, entry: string): boolean {
  if (entry === '*') return true;
  const [, bracketed, plain = '', wanted] = /^\*?\.?(?:\[([^\]]+)\]|([^:]*|.*:.*:.*))(?::(\d+))?$/.exec(entry) ?? [];
  const domain = bracketed ?? plain;
  if (domain === '' || (wanted !== undefined && wanted !== (port || (protocol === 'https:' ? '443' : '80'))))
    return false;
  return hostname === domain || hostname.endsWith(`.${domain}`) || inNetwork(hostname, domain);
}

function isUsable(address: string): boolean {
  try {
    const { protocol, username, password } = new URL(address);
    // In the spelling that the library reads.
    decodeURIComponent(`${username}${password}`);
    return protocol === 'http:' || protocol === 'https:';
  } catch {
    return false;
  }
}

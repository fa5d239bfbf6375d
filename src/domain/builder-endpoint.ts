import { type Parsed, parsed, problems } from './parsed.ts';
import { normalPlatform } from './platform.ts';
import { quoted } from './suggestion.ts';

/** A BuildKit daemon that a builder uses: one of its nodes. */
export interface BuilderEndpoint {
  /** As buildx takes it: `tcp://builder.example.com:1234`. */
  readonly address: string;
  /** Of a TCP address. */
  readonly tcp?: { readonly host: string; readonly port: number };
  /** What it builds; empty: what it reports. */
  readonly platforms: readonly string[];
}

const FORM = 'expected `tcp://<host>:<port>`, `unix://<path>`, `docker-container://<name>` or `kube-pod://<name>`';

/** Reads the lines of `endpoint`: an address, and optionally `,platform=linux/arm64`, which may be repeated. Pure. */
export function parseEndpoints(lines: readonly string[]): Parsed<readonly BuilderEndpoint[]> {
  const read = lines.filter((line) => line !== '' && !line.startsWith('#')).map(readLine);
  const wrong = read.flatMap((each) => (each.ok ? [] : each.problems));
  const found = read.flatMap((each) => (each.ok ? [each.value] : []));
  const twice = found.find(({ address }, at) => found.findIndex((each) => each.address === address) !== at);
  if (twice !== undefined) wrong.push(`names ${quoted(twice.address)} more than once.`);
  return wrong.length > 0 ? problems(...wrong) : parsed(found);
}

function readLine(line: string): Parsed<BuilderEndpoint> {
  const [address = '', ...options] = line.split(',').map((part) => part.trim());
  const platforms = options.flatMap((option) => /^platform=(\S+)$/.exec(option)?.[1] ?? []);
  if (platforms.length < options.length) {
    return problems(`got ${quoted(line)}, expected \`platform=linux/arm64\` after the address.`);
  }
  const names = platforms.map(normalPlatform);
  if (/^(?:unix:\/\/\/|docker-container:\/\/|kube-pod:\/\/|ssh:\/\/)\S+$/.test(address)) {
    return parsed({ address, platforms: names });
  }
  const url = URL.parse(address);
  const port = Number(url?.port ?? '');
  const isPlain = url?.username === '' && url.password === '' && /^\/?$/.test(url.pathname) && url.search === '';
  if (url?.protocol !== 'tcp:' || url.hostname === '' || !(port > 0) || !isPlain) {
    return problems(`got ${quoted(address.replace(/\/\/[^/@]*@/, '//'))}, ${FORM}.`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return parsed({ address: `tcp://${url.host}`, tcp: { host, port }, platforms: names });
}

/** Whether a TCP address stays on this machine, so that no other machine can listen or connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Options of the Kubernetes driver whose values contain commas of their own. */
const LISTS = /^(?:nodeselector|tolerations|annotations|labels)=/;

/**
 * An option as buildx reads it: a line of a CSV file, in which a value with commas has to be quoted.
 * https://docs.docker.com/build/builders/drivers/kubernetes/
 */
export function driverOption(option: string): string {
  return LISTS.test(option) && option.includes(',') ? `"${option.replaceAll('"', '""')}"` : option;
}

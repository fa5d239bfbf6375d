import { BlockList, isIP } from 'node:net';

const LOOPBACK = blocks([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

/** Addresses that only make sense inside a network: a server on the internet has no reason to point to them. */
const INTERNAL = blocks([
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
]);

function blocks(networks: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  for (const network of networks) list.addSubnet(...network);
  return list;
}

/** `hostname` of a URL, with an IPv6 address in brackets. */
function within(list: BlockList, hostname: string): boolean {
  const address = bareHost(hostname);
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Strips the brackets of an IPv6 address and the trailing dot of a fully qualified name. */
function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/**
 * Whether an address is in a network, written as `10.0.0.0/8` or as a single address. False for names and anything
 * else.
 */
export function inNetwork(hostname: string, network: string): boolean {
  const [, base = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const family = isIP(base);
  const most = family === 6 ? 128 : 32;
  const bits = length === undefined ? most : Number(length);
  return family !== 0 && bits <= most && within(blocks([[base, bits, family === 6 ? 'ipv6' : 'ipv4']]), hostname);
}

/** Localhost: `localhost` and its subdomains (https://www.rfc-editor.org/rfc/rfc6761#section-6.3), 127.0.0.0/8, ::1. */
export function isLoopback(hostname: string): boolean {
  const name = bareHost(hostname);
  return name === 'localhost' || name.endsWith('.localhost') || within(LOOPBACK, hostname);
}

/** A private, link-local or loopback address, written as an address or as `localhost`. */
export function isInternal(hostname: string): boolean {
  return isLoopback(hostname) || within(INTERNAL, hostname);
}

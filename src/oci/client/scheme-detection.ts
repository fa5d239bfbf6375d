import { connect } from 'node:net';
import { isLoopback } from '../../http/addresses.ts';

/** HTTPS, except for a registry on localhost or one listed by the user that does not support TLS. */
export async function originOf(api: string, insecureHosts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(`https://${api}`);
  const mayBePlain = insecureHosts.includes(api) || isLoopback(hostname);
  const scheme = mayBePlain && !(await speaksTls(hostname, Number(port || 443))) ? 'http' : 'https';
  // Normalised like the URLs it is compared with: `registry.example.com:443` loses its port.
  return new URL(`${scheme}://${api}`).origin;
}

/** The two types of record with which a server answers a ClientHello: https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1 */
const ALERT = 21;
const HANDSHAKE = 22;
const TIMEOUT_MS = 5000;

/**
 * Whether a port speaks TLS. Only its first byte counts, so that a server that wants a client certificate or another version
 * is not taken for a plain one, as it would be after a failed handshake; what it wants is said by the request. It also
 * takes a tenth of the processor time of a handshake.
 */
function speaksTls(hostname: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port, timeout: TIMEOUT_MS });
    const answer = (isTls: boolean) => {
      socket.destroy();
      resolve(isTls);
    };
    socket
      .once('connect', () => socket.write(clientHello()))
      .once('data', ([first]) => answer(first === ALERT || first === HANDSHAKE))
      .once('end', () => answer(false))
      .once('timeout', () => answer(false))
      .on('error', () => answer(false));
  });
}

/** A ClientHello of TLS 1.2 without extensions: https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.2 */
function clientHello(): Buffer {
  const ciphers = Buffer.from('c02bc02fc02cc030009c002f', 'hex');
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    // In the place of its random bytes: an HTTP server answers once it has seen the end of a line.
    Buffer.alloc(32, '\r\n'),
    Buffer.from([0, 0, ciphers.length]),
    ciphers,
    Buffer.from([1, 0]),
  ]);
  const message = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body]);
  return Buffer.concat([Buffer.from([HANDSHAKE, 3, 1, 0, message.length]), message]);
}

import { isLoopback } from '../../http/addresses.ts';

/** HTTPS, except for a registry on localhost or one listed by the user that does not support TLS. */
export async function originOf(api: string, insecureHosts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(`https://${api}`);
  const mayBePlain = insecureHosts.includes(api) || isLoopback(hostname);
  const scheme = mayBePlain && !(await speaksTls(hostname, Number(port || 443))) ? 'http' : 'https';
  // Normalised like the URLs it is compared with: `registry.example.com:443` loses its port.
  return new URL(`${scheme}://${api}`).origin;
}

/** Whether a TLS handshake succeeds; the requests verify the certificate. */
function speaksTls(hostname: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { connect } = process.getBuiltinModule('node:tls');
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port, rejectUnauthorized: false, timeout: 5000 });
    const answer = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once('secureConnect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}

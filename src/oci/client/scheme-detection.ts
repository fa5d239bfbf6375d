import { isLoopback } from '../../http/addresses.ts';

/** HTTPS, always, but for a registry on this machine or one that the user has listed, when it does not speak TLS. */
export async function originOf(api: string, insecureHosts: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(`https://${api}`);
  const mayBePlain = insecureHosts.includes(api) || isLoopback(hostname);
  const scheme = mayBePlain && !(await speaksTls(hostname, Number(port || 443))) ? 'http' : 'https';
  // As addresses of requests and answers have it, with which it is compared: `registry.example.com:443` is without the port.
  return new URL(`${scheme}://${api}`).origin;
}

/** Whether a TLS handshake comes about; whom the certificate is for is the business of the requests. */
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

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { BuilderEndpoint } from '../../domain/builder-endpoint.ts';
import { ActionError } from '../../errors/action-error.ts';

/** Certificates for a BuildKit daemon, as PEM text. */
export interface BuilderTls {
  /** Of the authority that signed the daemon's certificate. */
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name in the daemon's certificate, where it is not the host. */
  readonly serverName?: string | undefined;
}

const TIMEOUT_MS = 2500;
/** The beginning of every HTTP/2 connection, with empty settings: https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/**
 * Checks that a daemon answers, and with TLS that both sides accept each other: buildx reports all of these mistakes as
 * one timeout, after 20 seconds.
 * @throws ActionError BUILDER_UNREACHABLE with the cause
 */
export async function probeEndpoint({ address, tcp }: BuilderEndpoint, tls: BuilderTls | undefined): Promise<void> {
  if (tcp === undefined) return;
  if (tls !== undefined) checkCertificates(tls);
  const problem = await (tls === undefined ? probePlain(tcp) : probeTls(tcp, tls));
  if (problem !== undefined) throw unreachable(address, problem);
}

interface Problem {
  readonly text: string;
  readonly remedy?: readonly string[];
}

function unreachable(address: string, { text, remedy }: Problem): ActionError {
  return new ActionError('BUILDER_UNREACHABLE', `${address}: ${text}.`, {
    facts: { input: 'endpoint' },
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** @throws ActionError INPUT_INVALID before anything is sent */
function checkCertificates({ ca, cert, key }: BuilderTls): void {
  const refuse = (input: string, text: string, cause?: unknown) =>
    new ActionError('INPUT_INVALID', `\`${input}\` ${text}.`, { cause, facts: { input } });
  const read = (input: string, pem: string) => {
    try {
      return new X509Certificate(pem);
    } catch (error) {
      throw refuse(input, 'is no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)', error);
    }
  };
  read('builder-ca', ca);
  if (cert === undefined || key === undefined) return;
  const own = read('builder-cert', cert);
  let isPair: boolean;
  try {
    isPair = own.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw refuse('builder-key', 'is no private key in PEM form', error);
  }
  if (!isPair) throw refuse('builder-key', 'is not the key of `builder-cert`');
  if (Date.parse(own.validTo) < Date.now()) throw refuse('builder-cert', `expired on ${day(own.validTo)}`);
}

const NEEDS_TLS: Problem = {
  text: 'the daemon does not accept a connection without TLS',
  remedy: ['Set `builder-ca`, `builder-cert` and `builder-key`.'],
};

function probePlain({ host, port }: NonNullable<BuilderEndpoint['tcp']>): Promise<Problem | undefined> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host, port });
    const end = (problem?: Problem) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(TIMEOUT_MS, () => end({ text: `there is no answer within ${TIMEOUT_MS / 1000} s` }));
    socket.once('error', (error) => end({ text: networkText(error) }));
    socket.once('connect', () => socket.write(PREFACE));
    // A TLS record: the alert that this was none.
    socket.once('data', (bytes: Buffer) => end(bytes[0] === 0x15 ? NEEDS_TLS : undefined));
    socket.once('close', () => end(NEEDS_TLS));
  });
}

function probeTls(
  { host, port }: NonNullable<BuilderEndpoint['tcp']>,
  { ca, cert, key, serverName }: BuilderTls,
): Promise<Problem | undefined> {
  return new Promise((resolve) => {
    const isAddress = /^[\d.]+$|:/.test(host);
    const name = serverName ?? (isAddress ? undefined : host);
    const socket = connect({
      host,
      port,
      ca,
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(name === undefined ? {} : { servername: name }),
      ALPNProtocols: ['h2'],
      // Checked below, with words of our own.
      rejectUnauthorized: false,
    });
    const end = (problem?: Problem) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(TIMEOUT_MS, () => end({ text: `there is no answer within ${TIMEOUT_MS / 1000} s` }));
    socket.once('error', (error) => end(problemOf(error, cert !== undefined)));
    socket.once('secureConnect', () => {
      const problem = certificateProblem(socket, serverName ?? host);
      if (problem !== undefined) end(problem);
      // With TLS 1.3 a daemon refuses a client's certificate only after the handshake.
      else socket.write(PREFACE);
    });
    socket.once('data', () => end());
    socket.once('end', () => end(closed(cert !== undefined)));
  });
}

/** What is wrong with the daemon's certificate. */
function certificateProblem(socket: TLSSocket, name: string): Problem | undefined {
  const certificate = socket.getPeerX509Certificate();
  const code = String(socket.authorizationError ?? '');
  if (certificate === undefined) return { text: 'the daemon has no certificate' };
  if (Date.parse(certificate.validTo) < Date.now()) {
    return {
      text: `the certificate of the daemon expired on ${day(certificate.validTo)}`,
      remedy: ['Renew the certificate of the BuildKit daemon.'],
    };
  }
  if (Date.parse(certificate.validFrom) > Date.now()) {
    return { text: `the certificate of the daemon is valid from ${day(certificate.validFrom)} only` };
  }
  if (!socket.authorized && !/ALTNAME|HOSTNAME/.test(code)) {
    return {
      text: `the certificate of the daemon is not signed by the authority in \`builder-ca\` (${code || 'unknown reason'})`,
      remedy: ['Set `builder-ca` to the certificate of the authority that signed the certificate of the daemon.'],
    };
  }
  const isAddress = /^[\d.]+$|:/.test(name);
  if ((isAddress ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined) return undefined;
  const names = (certificate.subjectAltName ?? 'no name').slice(0, 300);
  return {
    text: `the certificate of the daemon is for another name: ${names}, not ${name}`,
    remedy: ['Set `driver-opts: servername=<a name in the certificate>`, or use that name in `endpoint`.'],
  };
}

function problemOf(error: Error, hasCertificate: boolean): Problem {
  const code = 'code' in error ? String(error.code) : '';
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|UNEXPECTED_MESSAGE|NOT_SSL/i.test(code + error.message)) {
    return {
      text: 'this port has no TLS',
      remedy: ['Start the BuildKit daemon with `--tlscacert`, `--tlscert` and `--tlskey`, or correct the port.'],
    };
  }
  if (/ALERT_CERTIFICATE_REQUIRED|certificate required/i.test(code + error.message)) return closed(hasCertificate);
  if (/ALERT|alert/.test(code + error.message)) {
    const [, said = error.message] = /alert ([a-z ]+?)(?::|$)/i.exec(error.message) ?? [];
    return hasCertificate
      ? {
          text: `the daemon refuses the certificate in \`builder-cert\` (${said.slice(0, 100)})`,
          remedy: [
            'Set `builder-cert` to a certificate that is signed by the authority in `--tlscacert` of the daemon.',
          ],
        }
      : closed(false);
  }
  if (code === 'ECONNRESET') return closed(hasCertificate);
  return { text: networkText(error) };
}

function closed(hasCertificate: boolean): Problem {
  return hasCertificate
    ? {
        text: 'the daemon closes the connection after it has seen the certificate in `builder-cert`',
        remedy: ['Set `builder-cert` to a certificate that is signed by the authority in `--tlscacert` of the daemon.'],
      }
    : {
        text: 'the daemon requires a client certificate',
        remedy: ['Set `builder-cert` and `builder-key`, from secrets.'],
      };
}

function networkText(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there (connection refused)',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the name of the host cannot be resolved',
    EHOSTUNREACH: 'the host cannot be reached',
    ENETUNREACH: 'the network cannot be reached',
  };
  return known[code] ?? error.message.slice(0, 200);
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

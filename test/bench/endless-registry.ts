import { createHash } from 'node:crypto';
import * as http from 'node:http';
import { MEDIA_TYPES } from '../../src/domain/manifest.ts';

interface EndlessRegistry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Requests for manifests, and those for pages of tags. */
  readonly requests: () => { readonly manifests: number; readonly pages: number };
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const PAGE = 1000;
const LAYERS = 8;
/** Of the layers, those that all images share. */
const SHARED_LAYERS = 6;
const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/**
 * A registry with as many images as is said, each under a tag of its own: `1.0.0`, `1.0.1`, … It holds none of them: every page and
 * every manifest is made when it is asked for, so that its size costs no memory.
 */
export async function startEndlessRegistry(images: number): Promise<EndlessRegistry> {
  const counts = { manifests: 0, pages: 0 };
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, number] = /\/manifests\/1\.0\.(\d+)$/.exec(url.pathname) ?? [];
    if (url.pathname.endsWith('/tags/list')) {
      counts.pages += 1;
      response.end(pageOf(url, images, (next) => response.setHeader('link', `<${next}>; rel="next"`)));
    } else if (number !== undefined && Number(number) < images) {
      counts.manifests += 1;
      const body = manifestOf(Number(number));
      response.writeHead(200, { 'content-type': MEDIA_TYPES.ociManifest, 'docker-content-digest': digestOf(body) });
      response.end(request.method === 'HEAD' ? '' : body);
    } else response.writeHead(url.pathname === '/v2/' ? 200 : 404).end('{}');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests: () => ({ ...counts }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function pageOf(url: URL, images: number, link: (next: string) => void): string {
  const last = url.searchParams.get('last');
  const from = last === null ? 0 : Number(last.slice('1.0.'.length)) + 1;
  const size = Math.min(Number(url.searchParams.get('n') ?? PAGE), PAGE, Math.max(0, images - from));
  const tags = Array.from({ length: size }, (_, at) => `1.0.${from + at}`);
  if (from + size < images) link(`${url.pathname}?last=${tags.at(-1)}&n=${size}`);
  return JSON.stringify({ name: 'bench/app', tags });
}

function manifestOf(image: number): string {
  const part = (mediaType: string, text: string) => ({ mediaType, digest: digestOf(text), size: 1_000_000 });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: part(MEDIA_TYPES.ociConfig, `config ${image}`),
    layers: Array.from({ length: LAYERS }, (_, at) =>
      part(
        'application/vnd.oci.image.layer.v1.tar+gzip',
        at < SHARED_LAYERS ? `base ${at}` : `layer ${at} of ${image}`,
      ),
    ),
  });
}

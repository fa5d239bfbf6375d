import { type Fields, fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** Where to sign without a key. */
export interface SigningServices {
  /** Issues the certificate. */
  readonly fulcio: string;
  /** Absent: nothing is written to a transparency log. */
  readonly rekor?: { readonly url: string; readonly version: 1 | 2 };
  /** Timestamp authority; Rekor v2 gives no time, so it is required there. */
  readonly tsa?: string;
}

/**
 * GitHub's own instance for private repositories, which writes to no public log; GHE.com has one for each enterprise.
 * @param issuer of the job's token, `https://token.actions.githubusercontent.com`
 */
export function githubServices(issuer: string): SigningServices {
  const [, tenant] = /^https:\/\/token\.actions\.([a-z0-9-]+\.ghe\.com)(?:\/|$)/.exec(issuer) ?? [];
  return tenant === undefined
    ? { fulcio: 'https://fulcio.githubapp.com', tsa: 'https://timestamp.githubapp.com' }
    : { fulcio: `https://fulcio.${tenant}`, tsa: `https://timestamp.${tenant}` };
}

const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';

/**
 * Chooses from a signing config what is valid now: of each kind the newest service with a version that is understood here.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
 * @param config parsed JSON
 */
export function chooseServices(config: unknown, now: Date): Parsed<SigningServices> {
  const fields = fieldsOf(config);
  if (fields.mediaType !== MEDIA_TYPE) {
    return problems(`the signing config has the media type ${String(fields.mediaType)}, expected ${MEDIA_TYPE}`);
  }
  const fulcio = newest(fields.caUrls, [1], now);
  const rekor = newest(fields.rekorTlogUrls, [2, 1], now);
  const tsa = newest(fields.tsaUrls, [1], now);
  if (fulcio === undefined) return problems('the signing config names no certificate authority that is valid now');
  const several = [
    ['rekorTlogConfig', fields.rekorTlogConfig],
    ['tsaConfig', fields.tsaConfig],
  ].filter(([, each]) => asksForSeveral(fieldsOf(each)));
  if (several.length > 0) {
    return problems(
      ...several.map(
        ([name]) => `${String(name)} of the signing config requires several services, which is not supported`,
      ),
    );
  }
  if (rekor === undefined && listOf(fields.rekorTlogUrls).length > 0) {
    return problems('the signing config names no transparency log that is valid now and has the version 1 or 2');
  }
  if (tsa === undefined && rekor?.version !== 1) {
    return problems(
      'the signing config names no timestamp authority that is valid now, so there would be no trusted time',
    );
  }
  return parsed({
    fulcio: fulcio.url,
    ...(rekor === undefined ? {} : { rekor: { url: rekor.url, version: rekor.version === 1 ? 1 : 2 } }),
    ...(tsa === undefined ? {} : { tsa: tsa.url }),
  });
}

interface Service {
  readonly url: string;
  readonly version: number;
  readonly start: number;
}

function newest(value: unknown, versions: readonly number[], now: Date): Service | undefined {
  return listOf(value)
    .flatMap((each) => serviceOf(each, now))
    .filter(({ version }) => versions.includes(version))
    .toSorted((one, other) => other.version - one.version || other.start - one.start)[0];
}

/** A service that has begun and not ended: the config may announce one for later. */
function serviceOf({ url, majorApiVersion, validFor }: Fields, now: Date): readonly Service[] {
  const { start, end } = fieldsOf(validFor);
  const from = typeof start === 'string' ? Date.parse(start) : Number.NaN;
  const until = typeof end === 'string' ? Date.parse(end) : Number.POSITIVE_INFINITY;
  if (typeof url !== 'string' || !URL.canParse(url) || typeof majorApiVersion !== 'number') return [];
  return from <= now.getTime() && now.getTime() < until ? [{ url, version: majorApiVersion, start: from }] : [];
}

function asksForSeveral({ selector, count }: Fields): boolean {
  return selector === 'ALL' || (selector === 'EXACT' && count !== 1);
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

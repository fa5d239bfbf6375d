/** Seconds by unit of a Go duration: https://pkg.go.dev/time#ParseDuration */
const GO_UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Seconds of a Go duration such as `12.5ms` or `1m30s`; undefined for anything else. */
function goDuration(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|s|us|µs|ns))+$/u.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/gu);
  const seconds = [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (GO_UNITS[unit] ?? 0), 0);
  return seconds < 1e9 ? seconds : undefined;
}

/**
 * Seconds that the body of a refusal asks to wait: ghcr.io writes `retry-after: 12.5ms, allowed: 2000/minute` there, and
 * no header.
 */
export function retryAfterIn(body: string): number | undefined {
  const [, written] = /\bretry-after:?\s*([\d.]+(?:[a-zµ]+[\d.]*)*[a-zµ]+)/iu.exec(body.slice(0, 4096)) ?? [];
  return written === undefined ? undefined : goDuration(written);
}

/** Seconds from a `Retry-After` header, as a number, a date or a Go duration; undefined for anything else. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = (header ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const duration = goDuration(text);
  if (duration !== undefined) return duration;
  const date = /^[A-Z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  const seconds = Math.max(0, (date - now.getTime()) / 1000);
  // Same limit as for numbers: a date beyond it cannot be formatted, and would break the error that names it.
  return seconds < 1e9 ? seconds : undefined;
}

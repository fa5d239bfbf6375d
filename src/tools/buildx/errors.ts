import type { ErrorCode } from '../../errors/catalogue.ts';

interface Rule {
  readonly to: ErrorCode;
  readonly pattern: RegExp;
  /** `error`: only errors of buildx itself. `any`: also output of a Dockerfile step. */
  readonly where: 'error' | 'any';
}

/** A failed Dockerfile step: registry errors of its program are not about the base image. */
const STEP_FAILED = /process ".*" did not complete successfully/;

/** Rules in order of specificity; the first match wins. Patterns are messages of buildx, BuildKit and registries. */
const RULES: readonly Rule[] = [
  { to: 'BUILD_NO_SPACE', pattern: /no space left on device|\bENOSPC\b|disk quota exceeded/i, where: 'any' },
  {
    to: 'PULL_LIMIT',
    pattern: /reached your (?:\w+ )*pull rate limit|increase the limit by authenticating/i,
    where: 'error',
  },
  { to: 'TOO_MANY_REQUESTS', pattern: /toomanyrequests|429 too many requests/i, where: 'error' },
  {
    to: 'CACHE_FAILED',
    pattern:
      /cache export|exporting cache|error writing (?:layer|manifest|config) blob|failed to (?:reserve|commit|upload) cache/i,
    where: 'error',
  },
  {
    to: 'UNAUTHORIZED',
    pattern:
      /401 unauthorized|\bunauthorized:|authorization failed|insufficient_scope|pull access denied|no basic auth credentials|authentication required/i,
    where: 'error',
  },
  { to: 'DENIED', pattern: /403 forbidden|\bdenied:|requested access to the resource is denied/i, where: 'error' },
  {
    to: 'DAEMON_UNREACHABLE',
    pattern: /cannot connect to the docker daemon|failed to connect to the docker api/i,
    where: 'error',
  },
  {
    to: 'BUILDER_UNSUITABLE',
    pattern:
      /(?:exporter|multi-platform build) is not supported for|multi-node builds? (?:is |are )?currently not supported|attestations? (?:is|are) not supported/i,
    where: 'error',
  },
  { to: 'BUILDX_TOO_OLD', pattern: /unknown flag: --/i, where: 'error' },
];

/**
 * Classifies a failed build. Pure.
 * @param lines the last output of buildx
 * @returns BUILD_FAILED when no rule matches
 */
export function buildErrorCode(lines: readonly string[]): ErrorCode {
  const errors = lines.filter((line) => /^(?:\s*ERROR:|unknown flag)/i.test(line) || lines.length === 1);
  const error = errors.at(-1) ?? lines.at(-1) ?? '';
  const fits = ({ pattern, where }: Rule) =>
    where === 'any' ? lines.some((line) => pattern.test(line)) : !STEP_FAILED.test(error) && pattern.test(error);
  if (!STEP_FAILED.test(error) && failedStep(lines)?.startsWith(' > exporting cache to ') === true)
    return 'CACHE_FAILED';
  return RULES.find(fits)?.to ?? 'BUILD_FAILED';
}

/** The name of the failing step, which buildx prints between two rulers. */
function failedStep(lines: readonly string[]): string | undefined {
  const end = lines.lastIndexOf('------');
  const begin = lines.findLastIndex((line, at) => at < end && line === '------');
  return begin < 0 ? undefined : lines[begin + 1];
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /exec format error/i,
    'The builder cannot run programs of this platform: add docker/setup-qemu-action before this step.',
  ],
  [
    /exit code: 137|signal: killed|cannot allocate memory/i,
    'The process was killed, most likely because the memory was full.',
  ],
  [
    /error reading from server: EOF|closing transport|connection reset by peer.*buildkit|frame too large/i,
    'The builder went away in the middle of the build, most likely because its memory was full.',
  ],
];

/** A hint about the cause of a failed build; undefined when none applies. Pure. */
export function buildHint(lines: readonly string[]): string | undefined {
  return HINTS.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1];
}

/** The line number (from 1) in the Dockerfile that buildx shows as the cause: `Dockerfile:2` above a ruler. Pure. */
export function failureLine(lines: readonly string[]): number | undefined {
  const at = lines.findLastIndex((line, index) => /^\S.*:\d+$/.test(line) && /^-{20}$/.test(lines[index + 1] ?? ''));
  return at < 0 ? undefined : Number(lines[at]?.split(':').at(-1));
}

const MAX_STEP_LINES = 15;
const MAX_LINE_LENGTH = 300;

/**
 * The relevant part of buildx's plain output: the error, the failing step, and its last lines. Pure.
 * @param lines the last output of buildx, in order
 */
export function failureText(lines: readonly string[]): string {
  const short = (line: string) => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line);
  const error = lines
    .findLast((line) => line.startsWith('ERROR:'))
    ?.slice('ERROR:'.length)
    .trim();
  // buildx repeats the failing step between two rulers: its name, then the end of its output.
  const end = lines.lastIndexOf('------');
  const begin = lines.findLastIndex((line, at) => at < end && line === '------');
  const [name, ...printed] = begin >= 0 ? lines.slice(begin + 1, end) : [];
  const shown = printed.slice(-MAX_STEP_LINES).map((line) => `    ${short(line)}`);
  const step = name === undefined ? [] : [`  step ${short(name.replace(/^ > /, '').replace(/:$/, ''))}`, ...shown];
  const rest =
    error === undefined && step.length === 0 ? lines.slice(-MAX_STEP_LINES).map((line) => `    ${short(line)}`) : [];
  return [short(error ?? 'no error was named'), ...step, ...rest].join('\n');
}

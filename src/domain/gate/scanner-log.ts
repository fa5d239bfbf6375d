/** A file, or something unnamed, that the scanner could not parse. */
export interface ScanProblem {
  /** File in the image, if the scanner names it. */
  readonly path: string | undefined;
  readonly reason: string;
}

const MAX_PROBLEMS = 10_000;
const MAX_REASON_LENGTH = 300;

/** Trivy's messages when it skips something and continues, most of them only at level DEBUG. */
const SKIPPED_MESSAGES: readonly RegExp[] = [
  // https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/analyzer/analyzer.go
  /^Analysis error$/,
  // https://github.com/aquasecurity/trivy/blob/main/pkg/utils/fsutils/fs.go
  /^Walk error$/,
  /^Parse error$/,
  // A nested jar.
  /^Failed to parse$/,
  /^Failed to parse the installed package version$/,
  /^Installed package version error$/,
];
/** It logs the same for an advisory's version, with another error. */
const NO_VERSION = /^Version matching error$/;

/** Reads the scanner's log lines as they arrive. */
export class ScannerLog {
  readonly #problems = new Map<string, ScanProblem>();
  #isUnlisted = false;
  #repository: string | undefined;

  /** @returns whether to keep the line: with `--debug` each file produces several */
  take(line: string): boolean {
    // Several per file, none of them about skipped content.
    if (line.includes('\tDEBUG\t[secret] ')) return false;
    const [, level = '', text = '', ...rest] = line.split('\t');
    if (level === '') return true;
    const message = text.replace(/^\[[^\]]*\] /, '');
    const attributes = rest.join('\t');
    if (message.startsWith('This OS version is not on the EOL list')) this.#isUnlisted = true;
    if (message.startsWith('Detecting vulnerabilities')) this.#repository ||= attribute(attributes, 'repository');
    const error = attribute(attributes, 'err') ?? '';
    const isProblem =
      SKIPPED_MESSAGES.some((each) => each.test(message)) ||
      (NO_VERSION.test(message) && error.includes('version error ('));
    if (isProblem) this.#add(error, attribute(attributes, 'file_path') ?? attribute(attributes, 'file'));
    return true;
  }

  get problems(): readonly ScanProblem[] {
    return [...this.#problems.values()];
  }

  /** The scanner reported an unknown release of the system. */
  get isUnlisted(): boolean {
    return this.#isUnlisted;
  }

  /**
   * The release whose advisories Alpine's packages are compared with, if their repository belongs to another one:
   * `edge`.
   */
  get repository(): string | undefined {
    return this.#repository || undefined;
  }

  #add(error: string, named: string | undefined): void {
    // `failed to parse app/package.json: failed to parse app/package.json: JSON decode error: …`
    const [, parsed] = /failed to parse (?:file )?(\S[^:]*): /i.exec(error) ?? [];
    const path = (named ?? parsed)?.replace(/^\/+/, '');
    const described = path === undefined ? error : error.slice(error.lastIndexOf(`${path}: `)).replace(`${path}: `, '');
    const reason = (described === '' ? 'it cannot be read' : described).slice(0, MAX_REASON_LENGTH);
    if (this.#problems.size < MAX_PROBLEMS) this.#problems.set(`${path} ${reason}`, { path, reason });
  }
}

/** The value of `name=value`, which Go quotes if necessary. */
function attribute(text: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`(?:^|\\s)${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|(\\S*))`).exec(text) ?? [];
  return quoted?.replaceAll(/\\(["\\])/g, '$1') ?? plain;
}

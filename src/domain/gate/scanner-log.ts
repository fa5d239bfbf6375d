/** A file, or something without a name, that the scanner could not make sense of. */
export interface ScanProblem {
  /** File in the image, when the scanner names it. */
  readonly path: string | undefined;
  readonly reason: string;
}

const MOST_PROBLEMS = 10_000;
const LONGEST_REASON = 300;

/** What Trivy writes when it leaves something out, most of it at the level DEBUG alone, and goes on. */
const LEFT_OUT: readonly RegExp[] = [
  // https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/analyzer/analyzer.go
  /^Analysis error$/,
  // https://github.com/aquasecurity/trivy/blob/main/pkg/utils/fsutils/fs.go
  /^Walk error$/,
  /^Parse error$/,
  // A jar in a jar.
  /^Failed to parse$/,
  /^Failed to parse the installed package version$/,
  /^Installed package version error$/,
];
/** Of the version of an advisory it writes the same, with another error. */
const NO_VERSION = /^Version matching error$/;

/** Reads the lines that the scanner writes, as they come. */
export class ScannerLog {
  readonly #problems = new Map<string, ScanProblem>();
  #isUnlisted = false;
  #repository: string | undefined;

  /** @returns whether the line is worth keeping: with `--debug` there are some for each file */
  take(line: string): boolean {
    // Several for each file, and none about what is left out.
    if (line.includes('\tDEBUG\t[secret] ')) return false;
    const [, level = '', text = '', ...rest] = line.split('\t');
    if (level === '') return true;
    const message = text.replace(/^\[[^\]]*\] /, '');
    const attributes = rest.join('\t');
    if (message.startsWith('This OS version is not on the EOL list')) this.#isUnlisted = true;
    if (message.startsWith('Detecting vulnerabilities')) this.#repository ||= attribute(attributes, 'repository');
    const error = attribute(attributes, 'err') ?? '';
    const isProblem =
      LEFT_OUT.some((each) => each.test(message)) || (NO_VERSION.test(message) && error.includes('version error ('));
    if (isProblem) this.#add(error, attribute(attributes, 'file_path') ?? attribute(attributes, 'file'));
    return true;
  }

  get problems(): readonly ScanProblem[] {
    return [...this.#problems.values()];
  }

  /** The scanner said that it does not know this release of the system. */
  get isUnlisted(): boolean {
    return this.#isUnlisted;
  }

  /** The release whose advisories Alpine's packages are compared with, when their repository is of another one: `edge`. */
  get repository(): string | undefined {
    return this.#repository || undefined;
  }

  #add(error: string, named: string | undefined): void {
    // `failed to parse app/package.json: failed to parse app/package.json: JSON decode error: …`
    const [, parsed] = /failed to parse (?:file )?(\S[^:]*): /i.exec(error) ?? [];
    const path = (named ?? parsed)?.replace(/^\/+/, '');
    const told = path === undefined ? error : error.slice(error.lastIndexOf(`${path}: `)).replace(`${path}: `, '');
    const reason = (told === '' ? 'it cannot be read' : told).slice(0, LONGEST_REASON);
    if (this.#problems.size < MOST_PROBLEMS) this.#problems.set(`${path} ${reason}`, { path, reason });
  }
}

/** The value of `name=value`, which Go quotes when it has to. */
function attribute(text: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`(?:^|\\s)${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|(\\S*))`).exec(text) ?? [];
  return quoted?.replaceAll(/\\(["\\])/g, '$1') ?? plain;
}

import { type Image, parseImages } from '../images.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { type ImageName, parseImageName } from '../reference.ts';
import { quoted } from '../suggestion.ts';
import { problemAt, readLines } from '../tags/rule-lines.ts';

/** Repositories of one registry, by a pattern of their names. */
export interface RepositoryPattern {
  readonly host: string;
  /** Without the host: `team/*`. `*` stands for any characters, slashes included. */
  readonly path: string;
  /** In full, for messages. */
  readonly text: string;
}

/** Which repositories a report is about. */
export interface ReportedRepositories {
  readonly images: readonly Image[];
  readonly included: readonly RepositoryPattern[];
  /** Taken out of what `included` finds. */
  readonly excluded: readonly RepositoryPattern[];
}

/** Reads names as `images` does everywhere, and besides them patterns such as `ghcr.io/org/*` and `!ghcr.io/org/tmp-*`. */
export function parseRepositories(lines: readonly string[]): Parsed<ReportedRepositories> {
  const written = readLines(lines);
  const isPattern = (text: string) => text.startsWith('!') || text.includes('*');
  // A single line may also list names, separated by commas.
  const entries =
    written.length === 1 && !/(^|,)\s*(?:name|enable)=/.test(written[0]?.text ?? '')
      ? (written[0]?.text ?? '').split(',').map((text) => ({ number: written[0]?.number ?? 1, text: text.trim() }))
      : written;
  const names = lines.map(() => '');
  const found: string[] = [];
  const patterns: (RepositoryPattern & { readonly isExcluded: boolean })[] = [];
  for (const entry of entries) {
    const at = entry.number - 1;
    if (!isPattern(entry.text)) names[at] = [names[at] ?? '', entry.text].filter((text) => text !== '').join(',');
    else {
      const pattern = parsePattern(entry.text);
      if (pattern.ok) patterns.push(pattern.value);
      else found.push(...pattern.problems.map((problem) => problemAt('images', entry, problem)));
    }
  }
  const images = parseImages(names);
  if (!images.ok) found.push(...images.problems);
  const included = patterns.filter(({ isExcluded }) => !isExcluded);
  const excluded = patterns.filter(({ isExcluded }) => isExcluded);
  const lonely = excluded.find(({ host }) => included.every((each) => each.host !== host));
  if (lonely !== undefined) {
    found.push(
      `\`!${lonely.text}\` takes out of patterns of the same registry, and there is none. Add \`${lonely.host}/*\`, or remove it.`,
    );
  }
  return found.length > 0 || !images.ok ? problems(...found) : parsed({ images: images.value, included, excluded });
}

function parsePattern(written: string): Parsed<RepositoryPattern & { readonly isExcluded: boolean }> {
  const isExcluded = written.startsWith('!');
  const text = isExcluded ? written.slice(1).trim() : written;
  if (/^[^/]*\*/.test(text)) return problems('`*` is for repositories, and the registry comes first: `ghcr.io/org/*`');
  // The name with a letter instead of each star has to be a name.
  const name = parseImageName(text.replaceAll(/\*+/g, 'x'));
  if (!name.ok) return problems(...name.problems.map((why) => why.replace(/^".*?"/, () => quoted(text))));
  const { host } = name.value;
  const own = text.toLowerCase().replaceAll(/\*+/g, '*');
  const [first = '', ...rest] = own.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasHost ? rest.join('/') : own;
  return parsed({ host, path, text: `${host}/${path}`, isExcluded });
}

/** Whether a repository fits. In linear time: what stands between stars is searched from left to right. */
export function matchesRepository({ path }: RepositoryPattern, repository: string): boolean {
  const [first = '', ...parts] = path.split('*');
  const last = parts.pop();
  if (last === undefined) return repository === path;
  if (!repository.startsWith(first) || repository.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts) {
    const next = repository.indexOf(part, at);
    if (next < 0) return false;
    at = next + part.length;
  }
  return repository.endsWith(last) && repository.length - last.length >= at;
}

/** The part of a pattern before its first star, up to a slash: `team/` of `team/app-*`. */
export function literalPrefix({ path }: RepositoryPattern): string {
  return path.slice(0, path.slice(0, path.indexOf('*')).lastIndexOf('/') + 1);
}

/** The repositories of one registry that patterns select, sorted; names that are no names of images are left out. */
export function selectRepositories(
  host: string,
  listed: readonly string[],
  { included, excluded }: Pick<ReportedRepositories, 'included' | 'excluded'>,
): readonly ImageName[] {
  const own = (patterns: readonly RepositoryPattern[]) => patterns.filter((each) => each.host === host);
  const fits = (patterns: readonly RepositoryPattern[], name: string) =>
    patterns.some((pattern) => matchesRepository(pattern, name));
  const [wanted, unwanted] = [own(included), own(excluded)];
  return [...new Set(listed)]
    .filter((name) => fits(wanted, name) && !fits(unwanted, name))
    .toSorted()
    .flatMap((repository) => {
      const name = parseImageName(`${host}/${repository}`);
      return name.ok && name.value.repository === repository ? name.value : [];
    });
}

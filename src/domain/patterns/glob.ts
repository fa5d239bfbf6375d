import { type Parsed, parsed, problems } from '../parsed.ts';

/** Tags and repositories have no other characters, so a pattern with others is written in another dialect. */
const ALLOWED = /^[\w.:/@*?[\]{},!^-]*$/;
const SPECIAL = /[.+^$()|\\{}[\]?*]/g;

/**
 * The RE2 source of a glob, without anchors: `*` is anything but a slash, `**` anything, `?` one character, `[a-f]` and
 * `[!a-f]` classes, `{a,b}` alternatives. One engine for all patterns, in linear time, and the form that native policies take.
 * `**` between slashes also stands for no folder at all, as everywhere.
 */
export function globToRegex(glob: string): Parsed<string> {
  if (!ALLOWED.test(glob)) {
    const foreign = /[^\w.:/@*?[\]{},!^-]/.exec(glob)?.[0] ?? '';
    return problems(
      `${JSON.stringify(foreign)} has no meaning in a glob; a regular expression is written between slashes, as in \`/v\\d+/\``,
    );
  }
  let source = '';
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob.charAt(at);
    if (char === '*') {
      const stars = /^\*+/.exec(glob.slice(at))?.[0].length ?? 1;
      at += stars - 1;
      const isFolder = stars > 1 && glob.charAt(at + 1) === '/' && (at === 1 || glob.charAt(at - stars) === '/');
      if (isFolder) at += 1;
      source += isFolder ? '(?:.*/)?' : stars > 1 ? '.*' : '[^/]*';
    } else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const close = glob.indexOf(']', at + 2);
      const inner = close < 0 ? '' : glob.slice(at + 1, close).replace(/^!/, '^');
      if (!/^\^?[\w.:@-]+$/.test(inner)) return problems('`[` has no matching `]`, or nothing useful between them');
      source += `[${inner}]`;
      at = close;
    } else if (char === '{') {
      depth += 1;
      source += '(?:';
    } else if (char === '}') {
      depth -= 1;
      if (depth < 0) return problems('`}` has no matching `{`');
      source += ')';
    } else if (char === ',' && depth > 0) source += '|';
    else source += char.replace(SPECIAL, String.raw`\$&`);
  }
  return depth === 0 ? parsed(source) : problems('`{` has no matching `}`');
}

/** Whether a glob names exactly one thing. */
export function isLiteral(glob: string): boolean {
  return !/[*?[{]/.test(glob);
}

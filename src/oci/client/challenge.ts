/** One challenge of a `WWW-Authenticate` header: the scheme in lower case, parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;

/**
 * Parses `WWW-Authenticate`: several challenges in one or more headers, quoted commas, any case and white space. Node
 * joins repeated headers with commas, which is equivalent. https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 * Parsing stops at the first syntax error and keeps the challenges before it.
 */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  const text = (header ?? '').slice(0, 8192);
  const challenges: Challenge[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length) {
    match(/[\s,]*/y);
    const scheme = match(TOKEN)?.[0];
    if (scheme === undefined) break;
    const parameters: Record<string, string> = {};
    // A parameter is followed by a comma and the next one; a comma and a word without "=" starts the next challenge.
    for (let found = match(PARAMETER); found !== null; found = match(PARAMETER)) {
      const [, name = '', quoted, bare = ''] = found;
      parameters[name.toLowerCase()] ??= quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1');
      const comma = at;
      if (match(/\s*,\s*/y) === null) break;
      PARAMETER.lastIndex = at;
      if (!PARAMETER.test(text)) {
        at = comma;
        break;
      }
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    // A scheme followed by a bare token (Negotiate) is of no use here: skip to the next comma.
    match(/[^,]*/y);
  }
  return challenges;
}

/** The possible bytes at one position of a text. */
type ByteSet = readonly number[];

/** The Base64 form of credentials. */
export interface EncodedForm {
  /** For Go and JavaScript. Starts with the keyword, which Go then searches for first. */
  readonly regex: string;
  /** A word in every matching text. */
  readonly keyword: string;
}

/** A token format of an issuer. */
interface TokenForm {
  readonly prefix: string;
  /** Characters of the body, as in a regular expression. */
  readonly body: string;
  /** Number of body characters to compare: enough to rule out false matches. */
  readonly length: number;
}

const ALPHANUMERIC = 'A-Za-z0-9';

/**
 * Tokens with a distinctive prefix, recognisable in Base64. The scanner only detects their plain text:
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/secret/builtin-rules.go
 */
const TOKENS: readonly TokenForm[] = [
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'npm_', 'sk_live_'].map((prefix) => ({
    prefix,
    body: ALPHANUMERIC,
    length: 14,
  })),
  ...['glpat-', 'dckr_pat_', 'pypi-AgEIcHlwaS5vcmc', 'xoxb-', 'xoxp-'].map((prefix) => ({
    prefix,
    body: `${ALPHANUMERIC}_-`,
    length: 14,
  })),
  { prefix: 'AKIA', body: 'A-Z0-9', length: 12 },
];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const ANY_BYTE: ByteSet = Array.from({ length: 256 }, (_, byte) => byte);
/** `base64` wraps its lines, YAML indents them, and JSON writes breaks as `\n`. */
const LINE_BREAK = '(?:\\\\[rn]|\\s)*';

/** The Base64 forms of all tokens with a prefix, three for each. */
export const ENCODED_TOKENS: readonly EncodedForm[] = TOKENS.flatMap(({ prefix, body, length }) => {
  const allowed = new RegExp(`[${body}]`);
  const set = ANY_BYTE.filter((byte) => allowed.test(String.fromCharCode(byte)));
  return encodedForms([...exactly(prefix), ...Array.from({ length }, () => set)]);
});

/** The Base64 form of a PEM private key, encoded from its start. */
export const ENCODED_PRIVATE_KEYS: readonly EncodedForm[] = ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '].map(
  (kind) => {
    const word = Buffer.from(`-----BEGIN ${kind}PRIVATE KEY-----`).toString('base64').slice(0, 32);
    return { keyword: word, regex: `${word}[A-Za-z0-9+/]{16,}` };
  },
);

function exactly(text: string): readonly ByteSet[] {
  return [...Buffer.from(text)].map((byte) => [byte]);
}

/**
 * Base64 patterns for texts that contain the bytes, at each of the three offsets in a group. Leaves out characters that
 * also encode adjacent bytes. Pure.
 */
function encodedForms(bytes: readonly ByteSet[]): readonly EncodedForm[] {
  return [0, 1, 2].map((offset) => {
    const stream = [...Array.from({ length: offset }, () => ANY_BYTE), ...bytes];
    const first = Math.ceil((offset * 8) / 6);
    const length = Math.floor((stream.length * 8) / 6);
    const sets = Array.from({ length }, (_, at) => charactersAt(stream, at)).slice(first);
    const fixed = sets.findIndex((set) => set.length > 1);
    const regex = sets.map((set, at) => {
      const mayBreak = (first + at) % 4 === 0 && at >= fixed;
      return `${mayBreak ? LINE_BREAK : ''}${set.length === 1 ? set : `[${set}]`}`;
    });
    return { regex: regex.join(''), keyword: sets.slice(0, fixed).join('') };
  });
}

/** The possible Base64 characters at a position. */
function charactersAt(stream: readonly ByteSet[], at: number): string {
  const [first, last] = [Math.floor((at * 6) / 8), Math.floor((at * 6 + 5) / 8)];
  const shift = 10 - ((at * 6) % 8);
  const found = new Set<string>();
  for (const high of stream[first] ?? ANY_BYTE) {
    for (const low of first === last ? [0] : (stream[last] ?? ANY_BYTE)) {
      found.add(ALPHABET[(((high << 8) | low) >> shift) & 63] ?? '');
    }
  }
  return [...found].sort().join('');
}

/** Bytes that may be at one position of a text. */
type ByteSet = readonly number[];

/** What credentials look like in Base64. */
export interface EncodedForm {
  /** For Go and JavaScript. Begins with the keyword: Go then searches for that first. */
  readonly regex: string;
  /** A word that every such text contains. */
  readonly keyword: string;
}

/** A token as its issuer writes it. */
interface TokenForm {
  readonly prefix: string;
  /** Characters of the body, as in a regular expression. */
  readonly body: string;
  /** Characters of the body that are compared: enough that nothing else looks like it. */
  readonly length: number;
}

const ALPHANUMERIC = 'A-Za-z0-9';

/**
 * Tokens with a prefix of their own, which in Base64 can be told from other data. The scanner knows them as plain text alone:
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
/** `base64` breaks its lines, YAML indents them, and JSON writes breaks as `\n`. */
const LINE_BREAK = '(?:\\\\[rn]|\\s)*';

/** The Base64 of every token that is known by its prefix, three forms for each. */
export const ENCODED_TOKENS: readonly EncodedForm[] = TOKENS.flatMap(({ prefix, body, length }) => {
  const allowed = new RegExp(`[${body}]`);
  const set = ANY_BYTE.filter((byte) => allowed.test(String.fromCharCode(byte)));
  return encodedForms([...exactly(prefix), ...Array.from({ length }, () => set)]);
});

/** The Base64 of a private key in PEM, which is encoded from its beginning. */
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
 * The Base64 of every text that contains the bytes, which begin at any of the three positions of a group. A character that
 * holds bits of the bytes before or after them is left out. Pure.
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

/** The characters that Base64 can have at a position. */
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

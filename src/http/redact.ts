/** The secrets of one client, to be removed from server texts. */
export interface Redactor {
  readonly add: (secret: string) => void;
  /** Replaces every secret. A text with a secret in another encoding is replaced as a whole. */
  readonly redact: (text: string) => string;
}

/** Replaces a text with a secret that cannot be cut out. */
export const DROPPED = '(the text of the server is not shown: it contains a credential)';

/**
 * The shortest run of a secret's characters, ignoring white space and punctuation, that a text must not contain in any
 * encoding.
 */
const MIN_SECRET_RUN = 12;
/** The usual length of passwords and tokens. Longer secrets, such as JSON keys, are compared in fewer encodings. */
const MAX_SHORT_SECRET_LENGTH = 512;
/** Longer texts are truncated before the comparison: messages have a few hundred characters. */
const MAX_COMPARED_LENGTH = 64 * 1024;
/** How many layers of encoding are removed. */
const MAX_DECODE_ROUNDS = 3;

export function createRedactor(): Redactor {
  const plain = new Set<string>();
  const pieces = new Set<string>();
  return {
    add: (secret) => {
      if (secret === '' || plain.has(secret)) return;
      const written = [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
      for (const form of [secret, ...written]) plain.add(form);
      for (const form of encodings(secret)) for (const piece of piecesOf(form)) pieces.add(piece);
    },
    redact: (text) => {
      // Longest first: one may be part of another.
      const clean = [...plain]
        .sort((a, b) => b.length - a.length)
        .reduce((all, form) => all.replaceAll(form, '***'), text);
      if (pieces.size === 0) return clean;
      const looked = clean.slice(0, MAX_COMPARED_LENGTH);
      return readings(looked).some((reading) => holdsPiece(reading, pieces)) ? DROPPED : looked;
    },
  };
}

/** The secret in the encodings that a server may return. */
function encodings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const usual = [
    secret,
    [...secret].reverse().join(''),
    [...bytes].join(' '),
    bytes.toString('hex'),
    ...shifted(bytes, 6),
  ];
  if (secret.length > MAX_SHORT_SECRET_LENGTH) return usual;
  const wide = [Buffer.from(secret, 'utf16le'), Buffer.from(secret, 'utf16le').swap16()];
  return [
    ...usual,
    ...shifted(bytes, 5),
    ...wide.flatMap((encoded) => [encoded.toString('hex'), ...shifted(encoded, 6)]),
  ];
}

const ALPHABETS = {
  6: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  5: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
} as const;

/**
 * Base64 (6 bits per character) or Base32 (5) of the bytes at every offset within an encoded text, such as after a user
 * name. Characters that also encode adjacent bytes are left out.
 */
function shifted(bytes: Uint8Array, bits: 5 | 6): readonly string[] {
  const binary = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: bits }, (_, at) => {
    const groups = binary.slice(at).match(new RegExp(`.{${bits}}`, 'g')) ?? [];
    return groups.map((group) => ALPHABETS[bits][Number.parseInt(group, 2)]).join('');
  });
}

/**
 * All runs of {@link MIN_SECRET_RUN} characters. A shorter secret is one run, unless it is short enough to occur in
 * ordinary words.
 */
function piecesOf(form: string): readonly string[] {
  const squeezed = squeeze(form);
  if (squeezed.length < MIN_SECRET_RUN) return squeezed.length < 8 ? [] : [squeezed];
  return Array.from({ length: squeezed.length - MIN_SECRET_RUN + 1 }, (_, at) =>
    squeezed.slice(at, at + MIN_SECRET_RUN),
  );
}

function holdsPiece(text: string, pieces: ReadonlySet<string>): boolean {
  const squeezed = squeeze(text);
  const lengths = new Set([...pieces].map((piece) => piece.length));
  for (const length of lengths) {
    for (let at = 0; at + length <= squeezed.length; at += 1) {
      if (pieces.has(squeezed.slice(at, at + length))) return true;
    }
  }
  return false;
}

/**
 * Letters and digits only: ignores separators, case and line breaks, and the difference between `-_` in base64url and
 * `+/`.
 */
function squeeze(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** The text and its decoded forms (JSON, HTML, URLs, source code), decoded repeatedly. */
function readings(text: string): readonly string[] {
  const found = [text];
  for (let round = 0, last = text; round < MAX_DECODE_ROUNDS; round += 1) {
    const decoded = decode(last);
    if (decoded === last) break;
    found.push(decoded);
    last = decoded;
  }
  return found.flatMap((reading) => [
    reading,
    reading.replaceAll(/<[^<>]*>/g, ''),
    reading.replaceAll(/\\[nrtvfb]/g, ''),
  ]);
}

const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  plus: '+',
  equals: '=',
  colon: ':',
  period: '.',
  lowbar: '_',
  hyphen: '-',
  shy: '',
  zwnj: '',
  zwj: '',
};

function decode(text: string): string {
  const point = (digits: string, base: number) => {
    const code = Number.parseInt(digits, base);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  };
  return text
    .replaceAll(/\\u\{([0-9a-f]{1,6})\}/gi, (_, hex: string) => point(hex, 16))
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => point(hex, 16))
    .replaceAll(/\\x([0-9a-f]{2})/gi, (_, hex: string) => point(hex, 16))
    .replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) => point(octal, 8))
    .replaceAll(/&#x([0-9a-f]{1,8});?/gi, (_, hex: string) => point(hex, 16))
    .replaceAll(/&#(\d{1,8});?/g, (_, digits: string) => point(digits, 10))
    .replaceAll(/&([a-z]{2,8});/gi, (whole, name: string) => NAMED_ENTITIES[name.toLowerCase()] ?? whole)
    .replaceAll(/[%=]u?([0-9a-f]{2})(?![0-9a-f]{3})/gi, (_, hex: string) => point(hex, 16));
}

/** The secrets of one client, which are taken out of what servers say. */
export interface Redactor {
  readonly add: (secret: string) => void;
  /** Replaces every secret; a text that holds one in some other spelling is dropped as a whole. */
  readonly redact: (text: string) => string;
}

/** What stands for a text in which a secret was found that cannot be cut out. */
export const DROPPED = '(the text of the server is not shown: it contains a credential)';

/** Characters of a secret, white space and punctuation aside, that a text may not hold in a row in any spelling. */
const TELLING = 12;
/** Of passwords and tokens that people give; those of longer ones, such as keys in JSON, are compared in fewer spellings. */
const SHORT_SECRET = 512;
/** Longer texts are not compared but cut: messages are a few hundred characters. */
const COMPARED = 64 * 1024;
/** How often a text may be encoded. */
const ROUNDS = 3;

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
      // The longest first: one may be a part of another.
      const clean = [...plain]
        .sort((a, b) => b.length - a.length)
        .reduce((all, form) => all.replaceAll(form, '***'), text);
      if (pieces.size === 0) return clean;
      const looked = clean.slice(0, COMPARED);
      return readings(looked).some((reading) => holdsPiece(reading, pieces)) ? DROPPED : looked;
    },
  };
}

/** The secret as servers may write it back. */
function encodings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const usual = [
    secret,
    [...secret].reverse().join(''),
    [...bytes].join(' '),
    bytes.toString('hex'),
    ...shifted(bytes, 6),
  ];
  if (secret.length > SHORT_SECRET) return usual;
  const wide = [Buffer.from(secret, 'utf16le'), Buffer.from(secret, 'utf16le').swap16()];
  return [...usual, ...shifted(bytes, 5), ...wide.flatMap((each) => [each.toString('hex'), ...shifted(each, 6)])];
}

const ALPHABETS = {
  6: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  5: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
} as const;

/**
 * Base64 (6 bits for a character) or Base32 (5) of the bytes wherever they begin in a text that is encoded, such as after a
 * user name. Characters that hold bits of what is around them are left out.
 */
function shifted(bytes: Uint8Array, bits: 5 | 6): readonly string[] {
  const binary = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: bits }, (_, at) => {
    const groups = binary.slice(at).match(new RegExp(`.{${bits}}`, 'g')) ?? [];
    return groups.map((group) => ALPHABETS[bits][Number.parseInt(group, 2)]).join('');
  });
}

/** All runs of {@link TELLING} characters; a shorter secret is one, unless it is so short that ordinary words hold it. */
function piecesOf(form: string): readonly string[] {
  const squeezed = squeeze(form);
  if (squeezed.length < TELLING) return squeezed.length < 8 ? [] : [squeezed];
  return Array.from({ length: squeezed.length - TELLING + 1 }, (_, at) => squeezed.slice(at, at + TELLING));
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

/** Letters and digits alone: no separator, case or line break tells two spellings apart, and `-_` of base64url is `+/`. */
function squeeze(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** The text, and what it means to readers of JSON, HTML, addresses and source code, decoded more than once. */
function readings(text: string): readonly string[] {
  const found = [text];
  for (let round = 0, last = text; round < ROUNDS; round += 1) {
    const decoded = decode(last);
    if (decoded === last) break;
    found.push(decoded);
    last = decoded;
  }
  return found.flatMap((each) => [each, each.replaceAll(/<[^<>]*>/g, ''), each.replaceAll(/\\[nrtvfb]/g, '')]);
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

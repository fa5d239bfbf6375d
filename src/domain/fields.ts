/** A JSON object from an untrusted source. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object rather than a list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a JSON object; empty for anything else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Maximum length of untrusted text. */
export const TEXT_LIMIT = 2048;

/** Untrusted text for logs and summaries: non-empty, bounded, on one line. */
export function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LIMIT && !/\p{Cc}/u.test(value);
}

/** A JSON object that somebody else wrote. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object, and not a list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a JSON object; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Characters of a text of somebody else's that is kept, at most. */
export const TEXT_LIMIT = 2048;

/** Text that somebody else wrote, fit for logs and summaries: something, not too long, on one line. */
export function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LIMIT && !/\p{Cc}/u.test(value);
}

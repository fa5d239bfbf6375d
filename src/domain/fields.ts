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

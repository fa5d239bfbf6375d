/** A value without the lines that it comes from, and with maps as objects: what it says, whatever the file looks like. */
export function withoutLines(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, each]) => [String(key), withoutLines(each)]));
  if (Array.isArray(value)) return value.map(withoutLines);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (key === 'line' ? [] : [[key, withoutLines(each)]])),
  );
}

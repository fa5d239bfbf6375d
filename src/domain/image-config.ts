import { type Fields, isFields } from './fields.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isTextMap: Check = (value) => isFields(value) && Object.values(value).every(isText);
const isObjects: Check = (value) => Array.isArray(value) && value.every(isFields);
const isDate: Check = (value) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));

/** Fields by path, with the type of each if set. */
const FIELDS: readonly (readonly [string, Check, string])[] = [
  ['architecture', isText, 'a text'],
  ['os', isText, 'a text'],
  ['variant', isText, 'a text'],
  ['created', isDate, 'a date'],
  ['history', isObjects, 'a list of objects'],
  ['rootfs', isFields, 'an object'],
  ['rootfs.type', (value) => value === 'layers', '"layers"'],
  ['rootfs.diff_ids', isTexts, 'a list of digests'],
  ['config', isFields, 'an object'],
  ['config.User', isText, 'a text'],
  ['config.WorkingDir', isText, 'a text'],
  ['config.StopSignal', isText, 'a text'],
  ['config.Env', isTexts, 'a list of texts'],
  ['config.Entrypoint', isTexts, 'a list of texts'],
  ['config.Cmd', isTexts, 'a list of texts'],
  ['config.Labels', isTextMap, 'a map of texts'],
  ['config.Volumes', isFields, 'an object'],
  ['config.ExposedPorts', isFields, 'an object'],
];

/**
 * Why no engine could run, and no scanner read, an image config, as a phrase; undefined when it is valid.
 * https://github.com/opencontainers/image-spec/blob/main/config.md
 */
export function configProblem(config: Fields): string | undefined {
  for (const [path, check, expected] of FIELDS) {
    const value = path
      .split('.')
      .reduce<unknown>((parent, name) => (isFields(parent) ? parent[name] : undefined), config);
    // Go writes empty values as null.
    if (value !== undefined && value !== null && !check(value)) return `${path} that is not ${expected}`;
  }
  return undefined;
}

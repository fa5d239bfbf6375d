import { type Parsed, parsed, problems as refused } from '../domain/parsed.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';
import { field, readFlagOrAttributes } from './schema.ts';

/** Settings of a repository to be created: the attributes of `create-repository`. */
export interface CreateAttributes {
  readonly immutableTags?: boolean;
  readonly scanOnPush?: boolean;
  readonly kmsKey?: string;
  readonly public?: boolean;
}

const FLAGS = { immutable: 'immutableTags', 'scan-on-push': 'scanOnPush', public: 'public' } as const;
const NAMES = [...Object.keys(FLAGS), 'kms-key'];

/** Whether a missing repository is to be created, and its settings. */
export type CreateRepository =
  | { readonly wanted: false }
  | {
      readonly wanted: true;
      readonly attributes: CreateAttributes;
      /** The attributes as the user wrote them; undefined for `true`. */
      readonly written?: string;
    };

export const CREATE_REPOSITORY = field<CreateRepository>(
  'true, false or attributes',
  {
    group: 'Registries',
    about:
      'Create a missing repository where a push does not: `true`, or attributes `immutable=true,scan-on-push=true,kms-key=<key>,public=true`.',
    default: 'false',
  },
  (raw) => {
    const flag = readFlagOrAttributes(raw);
    if (!flag.ok) return flag;
    if (typeof flag.value !== 'string') {
      return parsed(flag.value ? { wanted: true, attributes: {} } : { wanted: false });
    }
    const attributes = readAttributes(flag.value);
    return attributes.ok ? parsed({ wanted: true, attributes: attributes.value, written: flag.value }) : attributes;
  },
);

/** Reads `immutable=true,kms-key=alias/images`; all problems together, each a sentence. */
function readAttributes(raw: string): Parsed<CreateAttributes> {
  const value: { -readonly [Name in keyof CreateAttributes]: CreateAttributes[Name] } = {};
  const problems: string[] = [];
  for (const item of raw.split(',').flatMap((each) => each.trim() || [])) {
    const [, name = '', text = ''] = /^([^=]+)=(.*)$/.exec(item) ?? [];
    if (name === 'kms-key' && text !== '') value.kmsKey = text;
    else if ((name === 'immutable' || name === 'scan-on-push' || name === 'public') && /^(true|false)$/.test(text))
      value[FLAGS[name]] = text === 'true';
    else
      problems.push(
        NAMES.includes(name)
          ? `got ${quoted(item)}, expected ${name}=${name === 'kms-key' ? '<key>' : 'true or false'}.`
          : `got ${quoted(item)}, expected true, false, or attributes of ${NAMES.join(', ')}.${didYouMean(name, NAMES)}`,
      );
  }
  return problems.length > 0 ? refused(...problems) : parsed(value);
}

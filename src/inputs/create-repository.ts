import { didYouMean, quoted } from '../domain/suggestion.ts';

/** How a missing repository is to be made: the attributes of `create-repository`. */
export interface CreateAttributes {
  readonly immutableTags?: boolean;
  readonly scanOnPush?: boolean;
  readonly kmsKey?: string;
  readonly public?: boolean;
}

const FLAGS = { immutable: 'immutableTags', 'scan-on-push': 'scanOnPush', public: 'public' } as const;
const NAMES = [...Object.keys(FLAGS), 'kms-key'];

/** Reads `immutable=true,kms-key=alias/images`; all problems at once, each a sentence. */
export function createAttributes(raw: string): {
  readonly value: CreateAttributes;
  readonly problems: readonly string[];
} {
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
  return { value, problems };
}

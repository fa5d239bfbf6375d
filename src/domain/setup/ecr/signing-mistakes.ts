import { quoted } from '../../suggestion.ts';
import type { DesiredRegistry } from '../desired-state.ts';
import type { Mistake } from '../setting.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SigningRepositoryFilter.html */
const FILTER = /^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*\/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$/;
const MAX_LENGTH = 256;

/** Filters of managed signing that AWS refuses, and with them the whole configuration. */
export function signingMistakes({ signing }: DesiredRegistry): readonly Mistake[] {
  return (signing?.value ?? []).flatMap(({ only, line }) =>
    only
      .filter((filter) => filter.length > MAX_LENGTH || !FILTER.test(filter))
      .map(
        (filter): Mistake => ({
          severity: 'error',
          line,
          message: `${quoted(filter)}: a signing filter has lower-case letters, digits and \`*\`, with single \`.\`, \`_\`, \`-\` or \`/\` between them; write \`*\` in the place of \`--\` and \`__\``,
        }),
      ),
  );
}

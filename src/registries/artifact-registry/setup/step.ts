import type { Fields } from '../../../domain/fields.ts';
import type { Change } from '../../setup/change.ts';
import type { Membership } from './iam.ts';

/** One write. */
export type GoogleRequest =
  | { readonly kind: 'create'; readonly name: string; readonly body: Fields }
  | { readonly kind: 'update'; readonly name: string; readonly mask: readonly string[]; readonly body: Fields }
  /** Members come and go one by one: the policy is read again when it is written. */
  | {
      readonly kind: 'access';
      readonly name: string;
      readonly add: readonly Membership[];
      readonly remove: readonly Membership[];
    };

export type GoogleChange = Change<GoogleRequest>;

import { type Setting, settingId } from '../setting.ts';
import type { LeftOut } from './exported-file.ts';

/** Settings of a plan that its registry cannot have as the file asks, or that could not be read: an export has nothing for them. */
export function notExported(at: string, settings: readonly Setting[]): readonly LeftOut[] {
  return settings.flatMap((setting): readonly LeftOut[] => {
    const { action, should, reason = '', isAccepted } = setting;
    const isKept = action === 'kept-foreign' && should !== undefined;
    const isLacking = action === 'unsupported' && isAccepted !== true;
    if (!isKept && !isLacking && action !== 'needs-recreation' && action !== 'denied') return [];
    return [{ what: `${at}: ${settingId(setting)}`, reason, instead: '' }];
  });
}

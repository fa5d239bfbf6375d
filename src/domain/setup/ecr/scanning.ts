import { canonicalJson } from '../../canonical-json.ts';
import { byText } from '../../compare-text.ts';
import { compared, denied, isDue, type Part, unsupported } from '../compare.ts';
import type { DesiredRegistry, DesiredRepository, Scan } from '../desired-state.ts';
import { type Setting, type SetupStep, settingId } from '../setting.ts';
import type { EcrLive, RegistryScanning } from './live.ts';
import type { EcrRequest } from './request.ts';

const MAX_FILTERS = 100;
const FREQUENCIES = { 'on-push': 'SCAN_ON_PUSH', continuous: 'CONTINUOUS_SCAN' } as const;
type Frequency = (typeof FREQUENCIES)[keyof typeof FREQUENCIES];

/**
 * Scanning is decided by the registry for all repositories: one document whose filters are merged. Filters of others stay, and ours
 * are names of repositories in full. https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
 */
export function planScanning(desired: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const wanted = desired.repositories.filter(
    ({ name, creates, settings }) =>
      settings.scan !== undefined && !live.unreadable.has(name) && (creates || live.repositories.has(name)),
  );
  const { scanning } = desired;
  const reading = live.scanning;
  if (reading === undefined || (wanted.length === 0 && scanning === undefined)) return { settings: [] };
  if (!reading.ok) return withoutRegistry(wanted, scanning, reading.reason, live);

  const before = reading.value;
  const settings: Setting[] = [];
  const scanType = scanning === undefined ? before.scanType : scanning.value.toUpperCase();
  if (scanning !== undefined) {
    settings.push(
      compared({ subject: '', name: 'scanning', line: scanning.line }, before.scanType.toLowerCase(), scanning.value),
    );
  }
  const filters = new Map<Frequency, string[]>(
    Object.values(FREQUENCIES).map((frequency) => [
      frequency,
      before.rules.filter(({ scanFrequency }) => scanFrequency === frequency).flatMap((rule) => rule.filters),
    ]),
  );
  const flags: SetupStep<EcrRequest>[] = [];
  const byRegistry: Setting[] = settings.filter(isDue);
  for (const repository of wanted) {
    const { name: subject, settings: own } = repository;
    const scan = own.scan;
    if (scan === undefined) continue;
    const name = { subject, name: 'scan', line: scan.line };
    const present = live.repositories.get(subject);
    // As it is once the file's scanner is on: the flag of a repository counts for basic scanning only.
    const found = effective(subject, { ...before, scanType }, present?.scanOnPush === true);
    if (scan.value === 'continuous' && scanType !== 'ENHANCED') {
      const reason = 'Only enhanced scanning scans continuously: write `scanning: enhanced` at the registry.';
      settings.push(unsupported(name, scan.value, reason, own.accept));
      continue;
    }
    if (found.scan === scan.value) {
      const reason = found.by === undefined ? undefined : `By the filter \`${found.by}\` of the registry.`;
      settings.push({ ...compared(name, found.scan, scan.value), ...(reason === undefined ? {} : { reason }) });
      continue;
    }
    if (present === undefined && isScannedByFlag(scan.value, scanType)) {
      settings.push(compared(name, null, scan.value));
      continue;
    }
    const blocker =
      scan.value === 'off' ? undefined : filterBlocker(subject, filters.get(FREQUENCIES[scan.value]) ?? []);
    if (blocker !== undefined && !isScannedByFlag(scan.value, scanType)) {
      settings.push(unsupported(name, scan.value, blocker, own.accept));
      continue;
    }
    if (blocker !== undefined) {
      const setting = compared(name, found.scan, scan.value);
      settings.push(setting);
      flags.push(flagStep(subject, true, setting));
      continue;
    }
    const result = changed(subject, scan.value, filters);
    if (result !== undefined) {
      settings.push({ ...name, is: found.scan, should: scan.value, action: 'kept-foreign', reason: result });
      continue;
    }
    const setting = compared(name, present === undefined ? null : found.scan, scan.value);
    settings.push(setting);
    const isFlagged = scan.value === 'off' && present?.scanOnPush === true;
    if (isFlagged) flags.push(flagStep(subject, false, setting));
    const isFiltered = before.rules.some((rule) => rule.filters.includes(subject));
    if (isDue(setting) && (!isFlagged || isFiltered)) byRegistry.push(setting);
  }
  const rules = [...filters].flatMap(([scanFrequency, list]) =>
    list.length === 0 ? [] : [{ scanFrequency, filters: list }],
  );
  const others = before.rules.filter(
    ({ scanFrequency }) => !Object.values<string>(FREQUENCIES).includes(scanFrequency),
  );
  const next: RegistryScanning = { scanType, rules: [...others, ...rules] };
  const isSame = canonicalJson(sortedRules(next)) === canonicalJson(sortedRules(before));
  if (isSame) return { settings, steps: flags };
  return {
    settings,
    steps: [
      ...flags,
      {
        id: 'scanning',
        subject: '',
        settings: byRegistry.map(settingId),
        request: {
          operation: 'PutRegistryScanningConfiguration',
          input: {
            scanType: scanType === 'ENHANCED' ? 'ENHANCED' : 'BASIC',
            rules: next.rules.map((rule) => ({
              scanFrequency: asFrequency(rule.scanFrequency),
              repositoryFilters: rule.filters.map((filter) => ({ filter, filterType: 'WILDCARD' as const })),
            })),
          },
          before: canonicalJson(sortedRules(before)),
        },
      },
    ],
  };
}

/** With basic scanning, a new repository is scanned by the flag that it is created with, and the shared document stays as it is. */
export function isScannedByFlag(scan: Scan, scanType: string): boolean {
  return scan === 'on-push' && scanType === 'BASIC';
}

function asFrequency(text: string): 'SCAN_ON_PUSH' | 'CONTINUOUS_SCAN' | 'MANUAL' {
  return text === 'SCAN_ON_PUSH' || text === 'CONTINUOUS_SCAN' ? text : 'MANUAL';
}

/** A form that is the same for the same configuration, to compare. */
export function sortedRules({ scanType, rules }: RegistryScanning): RegistryScanning {
  return {
    scanType,
    rules: rules
      .filter(({ filters }) => filters.length > 0)
      .map(({ scanFrequency, filters }) => ({ scanFrequency, filters: [...new Set(filters)].sort() }))
      .toSorted(byText(({ scanFrequency }) => scanFrequency)),
  };
}

/** How a repository is scanned, and by which filter. The flag of a repository counts for basic scanning only. */
function effective(
  name: string,
  { scanType, rules }: RegistryScanning,
  flag: boolean,
): { readonly scan: Scan; readonly by?: string } {
  for (const scan of ['continuous', 'on-push'] as const) {
    const filters = rules
      .filter(({ scanFrequency }) => scanFrequency === FREQUENCIES[scan])
      .flatMap((rule) => rule.filters);
    const by = filters.find((filter) => matchesWildcard(filter, name));
    if (by !== undefined) return { scan, by };
  }
  return { scan: flag && scanType === 'BASIC' ? 'on-push' : 'off' };
}

/** Puts a repository where it belongs. Returns why that is impossible, if it is. */
function changed(name: string, scan: Scan, filters: Map<Frequency, string[]>): string | undefined {
  for (const [frequency, list] of filters) {
    if (scan !== 'off' && frequency === FREQUENCIES[scan]) {
      if (!list.some((filter) => matchesWildcard(filter, name))) list.push(name);
      continue;
    }
    const others = list.filter((filter) => filter !== name);
    const covering = others.find((filter) => matchesWildcard(filter, name));
    // Continuous scanning includes scanning at the push.
    if (covering !== undefined && !(frequency === 'SCAN_ON_PUSH' && scan === 'continuous'))
      return `The filter \`${covering}\` of the registry is for it, and somebody else wrote that filter: narrow it first.`;
    filters.set(frequency, others);
  }
  return undefined;
}

/**
 * Why no filter can be written for a repository; undefined where one covers it already, or can. One name that AWS refuses would
 * make it refuse the whole configuration. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ScanningRepositoryFilter.html
 */
function filterBlocker(name: string, list: readonly string[]): string | undefined {
  if (list.some((filter) => matchesWildcard(filter, name))) return undefined;
  if (/[._/-]{2}/.test(name))
    return 'AWS takes names with `--` or `__` in no scanning filter: in the AWS console, add a filter with `*` that covers it, such as the folder of the repository.';
  return list.length < MAX_FILTERS
    ? undefined
    : `The registry has ${list.length} filters of this kind, and AWS takes ${MAX_FILTERS}: in the AWS console, replace some of them by one with \`*\`.`;
}

function matchesWildcard(filter: string, name: string): boolean {
  const parts = filter.split(/\*+/).map((part) => part.replaceAll(/[^\w]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

function flagStep(subject: string, scanOnPush: boolean, setting: Setting): SetupStep<EcrRequest> {
  return {
    id: `${subject} scan`,
    subject,
    settings: [settingId(setting)],
    request: {
      operation: 'PutImageScanningConfiguration',
      input: { repositoryName: subject, imageScanningConfiguration: { scanOnPush } },
    },
  };
}

/** The registry's configuration may not be read: the flag of each repository is what is left. */
function withoutRegistry(
  wanted: readonly DesiredRepository[],
  scanning: DesiredRegistry['scanning'],
  reason: string,
  live: EcrLive,
): Part<EcrRequest> {
  const settings: Setting[] =
    scanning === undefined
      ? []
      : [denied({ subject: '', name: 'scanning', line: scanning.line }, scanning.value, reason)];
  for (const { name: subject, settings: own } of wanted) {
    if (own.scan === undefined) continue;
    const is = live.repositories.get(subject)?.scanOnPush;
    settings.push({
      ...denied({ subject, name: 'scan', line: own.scan.line }, own.scan.value, reason),
      ...(is === undefined ? {} : { is: is ? 'on-push' : 'off' }),
    });
  }
  return { settings };
}

import { canonicalJson } from '../../canonical-json.ts';
import { combined, compared, denied, isDue, type Part, sorted } from '../compare.ts';
import type { DesiredRegistry, Signing } from '../desired-state.ts';
import type { Json } from '../json.ts';
import { type Setting, settingId } from '../setting.ts';
import type { EcrLive, SigningRule } from './live.ts';
import type { EcrRequest } from './request.ts';

/** Settings of the account, by name: `aws: {accountSettings: {BLOB_MOUNTING: ENABLED}}`. */
export function planAccountSettings({ own }: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const wanted = own.get('aws')?.get('accountSettings');
  if (wanted === undefined) return { settings: [] };
  return combined(
    entriesOf(wanted.value).map(([name, value]): Part<EcrRequest> => {
      const reading = live.accountSettings?.get(name);
      const title = { subject: '', name: `aws.accountSettings ${name}`, line: wanted.line };
      if (reading === undefined) return { settings: [] };
      if (!reading.ok) return { settings: [denied(title, value, reading.reason)] };
      const setting = compared(title, reading.value, value);
      if (!isDue(setting)) return { settings: [setting] };
      const request: EcrRequest = { operation: 'PutAccountSetting', input: { name, value } };
      return {
        settings: [setting],
        steps: [{ id: setting.name, subject: '', settings: [settingId(setting)], request }],
      };
    }),
  );
}

export function entriesOf(value: Json): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).map(([name, each]) => [name, String(each)] as const);
}

/** Roles and users whose pulls do not renew the pull time of an image: `aws: {pullTimeUpdateExclusions: […]}`. */
export function planPullTimeExclusions({ own }: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const wanted = own.get('aws')?.get('pullTimeUpdateExclusions');
  const reading = live.pullTimeExclusions;
  if (wanted === undefined || reading === undefined) return { settings: [] };
  const arns = [wanted.value].flat().map(String);
  return combined(
    sorted(arns).map((principalArn): Part<EcrRequest> => {
      const name = { subject: '', name: `aws.pullTimeUpdateExclusions ${principalArn}`, line: wanted.line };
      if (!reading.ok) return { settings: [denied(name, 'excluded', reading.reason)] };
      const setting = compared(name, reading.value.includes(principalArn) ? 'excluded' : null, 'excluded');
      if (!isDue(setting)) return { settings: [setting] };
      const request: EcrRequest = { operation: 'RegisterPullTimeUpdateExclusion', input: { principalArn } };
      return {
        settings: [setting],
        steps: [{ id: setting.name, subject: '', settings: [settingId(setting)], request }],
      };
    }),
  );
}

/** Signing is one document of the registry: rules of profiles that the file does not name stay. */
export function planSigning({ signing }: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const reading = live.signing;
  if (signing === undefined || reading === undefined) return { settings: [] };
  const name = { subject: '', name: 'signing', line: signing.line };
  const wanted = (signing.value ?? []).map(ruleOf);
  if (!reading.ok) return { settings: [denied(name, rulesJson(wanted), reading.reason)] };
  const profiles = new Set(wanted.map(({ profile }) => profile));
  const before = reading.value.filter(({ profile }) => profiles.has(profile));
  const foreign = reading.value.filter(({ profile }) => !profiles.has(profile));
  const setting = compared(name, rulesJson(before), rulesJson(wanted));
  const kept = foreign.map(
    ({ profile, filters }): Setting => ({
      subject: '',
      name: `signing ${profile}`,
      is: [...filters],
      action: 'kept-foreign',
      reason: 'Kept: the file does not name this profile.',
    }),
  );
  if (!isDue(setting)) return { settings: [setting, ...kept] };
  const rules = [...foreign, ...wanted].map(({ profile, filters }) => ({
    signingProfileArn: profile,
    ...(filters.length === 0
      ? {}
      : { repositoryFilters: filters.map((filter) => ({ filter, filterType: 'WILDCARD_MATCH' as const })) }),
  }));
  const request: EcrRequest = {
    operation: 'PutSigningConfiguration',
    input: { signingConfiguration: { rules } },
    before: signingText(reading.value),
  };
  return {
    settings: [setting, ...kept],
    steps: [{ id: 'signing', subject: '', settings: [settingId(setting)], request }],
  };
}

/** A form that is the same for the same rules, to compare. */
export function signingText(rules: readonly SigningRule[]): string {
  return canonicalJson(
    sorted(rules.map(({ profile, filters }) => canonicalJson({ profile, filters: sorted(filters) }))),
  );
}

const ruleOf = ({ profile, only }: Signing): SigningRule => ({ profile, filters: sorted(only) });

function rulesJson(rules: readonly SigningRule[]): Json {
  return rules.length === 0
    ? null
    : sorted(rules.map(({ profile, filters }) => canonicalJson({ profile, only: sorted(filters) })));
}

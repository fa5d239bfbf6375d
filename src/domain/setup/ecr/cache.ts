import { combined, compared, denied, isDue, type Part } from '../compare.ts';
import type { Cache, DesiredRegistry } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import { type Setting, settingId } from '../setting.ts';
import type { CacheRule, EcrLive } from './live.ts';
import type { EcrRequest } from './request.ts';
import { isSameSecret, secretArn, upstreamOf } from './upstream.ts';

/** Pull-through caches, by prefix. Others stay. */
export function planCaches({ cache }: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const reading = live.caches;
  if (cache === undefined || reading === undefined) return { settings: [] };
  const entries = cache.value ?? [];
  if (!reading.ok) {
    return {
      settings: entries.map((each) =>
        denied({ subject: '', name: `cache ${each.prefix}`, line: each.line }, wantedJson(each), reading.reason),
      ),
    };
  }
  const others = reading.value.filter(({ prefix }) => !entries.some((each) => each.prefix === prefix));
  return combined([
    ...entries.map((each) =>
      planCache(
        each,
        reading.value.find(({ prefix }) => prefix === each.prefix),
        live,
      ),
    ),
    {
      settings: others.map(
        (rule): Setting => ({
          subject: '',
          name: `cache ${rule.prefix}`,
          is: rule.url,
          action: 'kept-foreign',
          reason: 'Kept: the file does not name it.',
        }),
      ),
    },
  ]);
}

function planCache(
  entry: Cache<readonly Principal[]>,
  present: CacheRule | undefined,
  live: EcrLive,
): Part<EcrRequest> {
  const [host = '', ...path] = entry.from.split('/');
  const upstream = upstreamOf(host);
  const name = { subject: '', name: `cache ${entry.prefix}`, line: entry.line };
  // The file was checked before: an upstream that is not known does not get here.
  if (upstream === undefined)
    return { settings: [denied(name, wantedJson(entry), `${host} is no upstream of Amazon ECR.`)] };
  const upstreamPrefix = path.join('/') || undefined;
  const credential = entry.secret === undefined ? undefined : secretArn(entry.secret, live);
  const should = wantedJson(entry);
  const roles = { credentialArn: credential, customRoleArn: entry.role };
  const given = {
    ...(roles.credentialArn === undefined ? {} : { credentialArn: roles.credentialArn }),
    ...(roles.customRoleArn === undefined ? {} : { customRoleArn: roles.customRoleArn }),
  };
  if (present === undefined) {
    const setting = compared(name, null, should);
    const input = {
      ecrRepositoryPrefix: entry.prefix,
      upstreamRegistryUrl: upstream.url,
      upstreamRegistry: upstream.registry,
      ...(upstreamPrefix === undefined ? {} : { upstreamRepositoryPrefix: upstreamPrefix }),
      ...given,
    };
    return {
      settings: [setting],
      steps: [step(setting, { operation: 'CreatePullThroughCacheRule', input })],
    };
  }
  const is = presentJson(present);
  if (present.url !== upstream.url || (present.upstreamPrefix ?? 'ROOT') !== (upstreamPrefix ?? 'ROOT')) {
    const reason = `The upstream of a cache cannot change after creation (${present.url} → ${upstream.url}): choose another prefix, or delete the rule of \`${entry.prefix}\` first.`;
    return { settings: [{ ...name, is, should, action: 'needs-recreation', reason }] };
  }
  const isSame =
    (credential === undefined || isSameSecret(present.credential, credential)) &&
    (entry.role === undefined || present.role === entry.role);
  if (isSame) return { settings: [{ ...name, is, should, action: 'equal' }] };
  const setting: Setting = { ...name, is, should, action: 'change' };
  const input = { ecrRepositoryPrefix: entry.prefix, ...given };
  return isDue(setting)
    ? { settings: [setting], steps: [step(setting, { operation: 'UpdatePullThroughCacheRule', input })] }
    : { settings: [setting] };
}

const step = (setting: Setting, request: EcrRequest) => ({
  id: setting.name,
  subject: '',
  settings: [settingId(setting)],
  request,
});

function wantedJson({ from, secret, role }: Cache<readonly Principal[]>): Json {
  return { from, ...(secret === undefined ? {} : { secret }), ...(role === undefined ? {} : { role }) };
}

function presentJson({ url, upstreamPrefix, credential, role }: CacheRule): Json {
  const from = url === 'registry-1.docker.io' ? 'docker.io' : url;
  const path = upstreamPrefix === undefined || upstreamPrefix === 'ROOT' ? '' : `/${upstreamPrefix}`;
  return {
    from: `${from}${path}`,
    ...(credential === undefined ? {} : { secret: credential }),
    ...(role === undefined ? {} : { role }),
  };
}

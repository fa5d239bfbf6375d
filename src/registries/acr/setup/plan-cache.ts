import { fieldsOf } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import { denied } from '../../setup/change.ts';
import type { AcrChange } from './plan-registry.ts';
import { type LiveAcr, propertiesOf } from './read.ts';

/** Names of rules and sets have 5 to 50 letters, digits and `-`. */
const nameOf = (prefix: string) => `setup-${prefix.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/-+$/, '')}`.slice(0, 50);

/** Credential sets first: a rule names one, and the identity that reads the secrets exists only with it. */
export function planCache(desired: DesiredRegistry, live: LiveAcr, resource: string): readonly AcrChange[] {
  const { cache } = desired;
  if (cache === undefined) return [];
  const { credentialSets, cacheRules } = live;
  if (!credentialSets.ok) return [denied('cache', credentialSets.error, cache.line)];
  if (!cacheRules.ok) return [denied('cache', cacheRules.error, cache.line)];
  return (cache.value ?? []).flatMap(({ prefix, from, user, secret, line }): readonly AcrChange[] => {
    const name = nameOf(prefix);
    const target = `${cacheRepository({ prefix })}/*`;
    const source = `${from}/*`;
    const setting = `cache ${prefix}`;
    const setId = `${resource}/credentialSets/${name}`;
    const changes: AcrChange[] = [];
    const hasSet = user !== undefined && secret !== undefined;
    if (hasSet) {
      const found = credentialSets.value.find((row) => String(row.name).toLowerCase() === name.toLowerCase());
      const [credential] = [propertiesOf(found).authCredentials].flat().map(fieldsOf);
      const words = (one: unknown, two: unknown) => `${String(one)}, ${String(two)}`;
      const should = words(user, secret);
      const is =
        found === undefined ? null : words(credential?.usernameSecretIdentifier, credential?.passwordSecretIdentifier);
      const properties = {
        loginServer: from.split('/', 1)[0],
        authCredentials: [{ name: 'Credential1', usernameSecretIdentifier: user, passwordSecretIdentifier: secret }],
      };
      const what = `the credential set ${name}`;
      const path = `/credentialSets/${name}`;
      const { status, errorMessage } = fieldsOf(credential?.credentialHealth);
      if (is === should) {
        changes.push({ action: 'equal', name: `${setting}.secret`, is, should, line });
        if (status === 'Unhealthy') {
          changes.push({
            action: 'unsupported',
            name: `${setting}.health`,
            line,
            reason: `${typeof errorMessage === 'string' ? `${errorMessage} ` : ''}${vaultHint(fieldsOf(found?.identity).principalId)}`,
          });
        }
      } else if (found === undefined) {
        const json = { identity: { type: 'SystemAssigned' }, properties };
        changes.push({
          action: 'create',
          name: `${setting}.secret`,
          is,
          should,
          line,
          request: { method: 'PUT', path, json, what },
        });
      } else {
        const { loginServer: _, ...changeable } = properties;
        const json = { properties: changeable };
        changes.push({
          action: 'change',
          name: `${setting}.secret`,
          is,
          should,
          line,
          request: { method: 'PATCH', path, json, what },
        });
      }
    }
    changes.push(planRule());
    return changes;

    function planRule(): AcrChange {
      const found = cacheRules.ok
        ? cacheRules.value.find((row) => propertiesOf(row).targetRepository === target)
        : undefined;
      const should = `${source} → ${target}`;
      const what = `the cache rule ${name}`;
      const path = `/cacheRules/${name}`;
      const credentials = hasSet ? { credentialSetResourceId: setId } : {};
      if (found === undefined) {
        const json = { properties: { sourceRepository: source, targetRepository: target, ...credentials } };
        return {
          action: 'create',
          name: setting,
          is: null,
          should,
          line,
          request: { method: 'PUT', path, json, what },
        };
      }
      const { sourceRepository, credentialSetResourceId } = propertiesOf(found);
      const is = `${String(sourceRepository)} → ${target}`;
      if (sourceRepository !== source) {
        const reason = `Azure cannot change where a rule reads from. Write another prefix, or delete the rule ${String(found.name)}.`;
        return { action: 'needs-recreation', name: setting, is, should, line, reason };
      }
      const isSame = !hasSet || String(credentialSetResourceId ?? '').toLowerCase() === setId.toLowerCase();
      if (isSame) return { action: 'equal', name: setting, is, should, line };
      const json = { properties: credentials };
      return {
        action: 'change',
        name: setting,
        is: `${is}, with other credentials`,
        should,
        line,
        request: { method: 'PATCH', path: `/cacheRules/${String(found.name)}`, json, what },
      };
    }
  });
}

/** What a person has to do once, since setup does not manage key vaults. */
export function vaultHint(principal: unknown): string {
  const who = typeof principal === 'string' ? principal : '<principal of the credential set>';
  return `Let the credential set read the secrets: \`az role assignment create --assignee ${who} --role "Key Vault Secrets User" --scope <id of the key vault>\`.`;
}

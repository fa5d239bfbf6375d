import { isDockerHub } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import { ownMistakes } from './own-fields.ts';

const GROUP = /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[\w().-]{1,90}\/?$/i;
const VAULT_SECRET = /^https:\/\/[a-z0-9-]+\.vault\.[a-z.]+\/secrets\/[A-Za-z0-9-]+(?:\/[0-9a-f]*)?$/i;
const TOKEN = /^[A-Za-z0-9-]{5,50}$/;

/** The usual mistakes with Azure, found before a request. */
export function mistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const found: Mistake[] = [];
  const group = desired.in;
  if (group === undefined || !GROUP.test(group.value)) {
    found.push(
      error(
        group?.line ?? desired.line,
        '`in`: Azure manages a registry in a resource group. Write `in: /subscriptions/<id>/resourceGroups/<name>`.',
      ),
    );
  }
  const seen = new Set<string>();
  for (const repository of desired.repositories) {
    for (const { principal } of grantsTo(grantsOf(repository), 'acr-token')) {
      if (TOKEN.test(principal.id) || seen.has(principal.id)) continue;
      seen.add(principal.id);
      found.push(
        error(
          principal.line,
          `\`acr:token/${principal.id}\`: the name of a token has 5 to 50 letters, digits and \`-\`.`,
        ),
      );
    }
  }
  for (const { from, user, secret, prefix, line } of desired.cache?.value ?? []) {
    if ((user === undefined) !== (secret === undefined))
      found.push(error(line, '`user` and `secret` of a cache go together.'));
    if (secret === undefined && isDockerHub(from.split('/', 1)[0] ?? from)) {
      found.push(
        error(
          line,
          'Azure takes no cache of Docker Hub without credentials: write `user` and `secret`, both addresses of secrets in a Key Vault.',
        ),
      );
    }
    for (const [key, value] of [
      ['user', user],
      ['secret', secret],
    ] as const) {
      if (value === undefined || VAULT_SECRET.test(value)) continue;
      found.push(
        error(
          line,
          `\`${key}\`: Azure reads it from a Key Vault. Write \`https://<vault>.vault.azure.net/secrets/<name>\`.`,
        ),
      );
    }
    if (!/^[a-z0-9][a-z0-9._/-]*$/.test(prefix))
      found.push(error(line, `\`prefix: ${prefix}\` is no beginning of a repository's name.`));
  }
  const hooks = [
    ...(desired.webhooks?.value ?? []),
    ...desired.repositories.flatMap(({ settings }) => settings.webhooks?.value ?? []),
  ];
  for (const { name, on, line } of hooks) {
    if (!/^[A-Za-z0-9]{5,50}$/.test(name))
      found.push(error(line, `\`name: ${name}\`: the name of a webhook has 5 to 50 letters and digits in Azure.`));
    const other = on.find((event) => event !== 'push' && event !== 'delete' && event !== 'quarantine');
    if (other !== undefined)
      found.push(error(line, `\`on: ${other}\`: Azure has no such event; it has push, delete and quarantine.`));
  }
  return [...found, ...ownMistakes(desired)];
}

import { type Raw, raw, type TopBlock } from './hcl.ts';
import { newIdentifiers } from './identifiers.ts';
import { dataSource } from './module.ts';

type Where = 'repositories' | 'registry';

/** Data sources for what a file names and AWS knows by another name. */
export interface Lookups {
  /** The key behind an alias: AWS returns its ARN, and Terraform replaces a repository whose key is written differently. */
  readonly key: (key: string, where: Where) => string | Raw;
  /** Secrets Manager adds six characters to the ARN of a secret, which are not known in advance. */
  readonly secret: (arn: string) => string | Raw;
  readonly blocks: (where: Where) => readonly TopBlock[];
}

export function lookups(): Lookups {
  const aliases = new Map<string, Where>();
  const secrets = new Set<string>();
  const aliasId = newIdentifiers();
  const secretId = newIdentifiers();
  const all = (where: Where) => [...aliases].filter(([, at]) => at === where).map(([alias]) => alias);
  return {
    key: (key, where) => {
      const alias = /(?:^|:)(alias\/.+)$/.exec(key)?.[1];
      if (alias === undefined) return key;
      if (!aliases.has(alias)) aliases.set(alias, where);
      return raw(`data.aws_kms_alias.${aliasId(alias)}.target_key_arn`);
    },
    secret: (arn) => {
      const name = /:secret:(.+)$/.exec(arn)?.[1];
      if (name === undefined || /-[A-Za-z0-9]{6}$/.test(name)) return arn;
      secrets.add(name);
      return raw(`data.aws_secretsmanager_secret.${secretId(name)}.arn`);
    },
    blocks: (where) => [
      ...all(where)
        .sort()
        .map((alias) => dataSource('aws_kms_alias', aliasId(alias), [{ name: 'name', value: alias }])),
      ...(where === 'registry'
        ? [...secrets]
            .sort()
            .map((name) => dataSource('aws_secretsmanager_secret', secretId(name), [{ name: 'name', value: name }]))
        : []),
    ],
  };
}

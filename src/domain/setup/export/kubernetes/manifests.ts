import { stringify } from 'yaml';
import { generatedFrom, oneLine } from '../origin.ts';
import type { PullSecret } from './login.ts';
import { tokenAccount } from './names.ts';
import { STORE_NAME } from './secret-store.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Manifest {
  /** A sentence each. */
  readonly comments: readonly string[];
  readonly resource: Fields;
}

const GENERATORS = 'generators.external-secrets.io/v1alpha1';
const SECRETS = 'external-secrets.io/v1';

/**
 * One pull secret with all that it needs, without a value of a secret and without a namespace.
 * @param server as clients look logins up: a host, or `https://index.docker.io/v1/`
 */
export function pullSecretManifests(
  { login }: PullSecret,
  { name, server, origin }: { readonly name: string; readonly server: string; readonly origin: string },
): readonly Manifest[] {
  const forPods = manifest(
    [origin, `Pods with serviceAccountName: ${name} pull with this secret.`],
    'v1',
    'ServiceAccount',
    name,
    {
      imagePullSecrets: [{ name }],
    },
  );
  const target = (username: string) => ({
    name,
    template: {
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': dockerConfig(server, username) },
    },
  });
  if (login.kind === 'stored') {
    const key = `registry-${name}`;
    const username = login.username === undefined ? '.username' : JSON.stringify(login.username);
    const properties = login.username === undefined ? ['username', 'password'] : ['password'];
    return [
      forPods,
      manifest([origin, login.about], SECRETS, 'ExternalSecret', name, {
        spec: {
          refreshInterval: '1h',
          secretStoreRef: { kind: 'SecretStore', name: STORE_NAME },
          target: target(username),
          data: properties.map((property) => ({ secretKey: property, remoteRef: { key, property } })),
        },
      }),
    ];
  }
  const { generator, spec, refresh, role, about } = login;
  const account = tokenAccount(name);
  const identity =
    role === undefined
      ? []
      : [
          manifest(
            [
              origin,
              'External Secrets gets the token as this ServiceAccount; pods do not use it. The trust policy of the role has to name it.',
            ],
            'v1',
            'ServiceAccount',
            account,
            {},
            { 'eks.amazonaws.com/role-arn': role },
          ),
        ];
  const auth = role === undefined ? {} : { auth: { jwt: { serviceAccountRef: { name: account } } } };
  return [
    forPods,
    ...identity,
    manifest([origin, about], GENERATORS, generator, name, { spec: { ...spec, ...auth } }),
    manifest([origin], SECRETS, 'ExternalSecret', name, {
      spec: {
        refreshInterval: refresh,
        target: target('.username'),
        dataFrom: [{ sourceRef: { generatorRef: { apiVersion: GENERATORS, kind: generator, name } } }],
      },
    }),
  ];
}

export function storeManifest(origin: string, comment: string, provider: Fields): Manifest {
  return manifest([origin, comment], SECRETS, 'SecretStore', STORE_NAME, { spec: { provider } });
}

/** Documents of one file. */
export function manifestText(configName: string, manifests: readonly Manifest[]): string {
  const documents = manifests
    .map(({ comments, resource }) => {
      const lines = comments.map((comment) => `# ${oneLine(comment)}\n`).join('');
      // kubectl reads YAML 1.1, where `on` and `012` are no strings.
      return `${lines}${stringify(resource, { version: '1.1', lineWidth: 0 })}`;
    })
    .join('---\n');
  return `# ${generatedFrom(configName)}\n${documents}`;
}

function manifest(
  comments: readonly string[],
  apiVersion: string,
  kind: string,
  name: string,
  rest: Fields,
  annotations?: Readonly<Record<string, string>>,
): Manifest {
  const metadata = { name, ...(annotations === undefined ? {} : { annotations }) };
  return { comments, resource: { apiVersion, kind, metadata, ...rest } };
}

/** A template of External Secrets that makes a Docker configuration of a user name and a password. */
function dockerConfig(server: string, username: string): string {
  const auth = `(printf "%s:%s" ${username} .password | b64enc)`;
  const entry = `(dict "username" ${username} "password" .password "auth" ${auth})`;
  return `{{ dict "auths" (dict ${JSON.stringify(server)} ${entry}) | toJson }}`;
}

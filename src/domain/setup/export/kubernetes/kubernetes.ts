import { byText } from '../../../compare-text.ts';
import type { Exported, ExportedFile, ExportedRegistry, Exporter, LeftOut } from '../exported-file.ts';
import { generatedFrom, origin } from '../origin.ts';
import { isPublic, type PullSecret, pullSecrets } from './login.ts';
import { manifestText, pullSecretManifests, storeManifest } from './manifests.ts';
import { resourceNames } from './names.ts';
import { STORE_NAME, secretStore } from './secret-store.ts';

interface Named {
  readonly name: string;
  readonly secret: PullSecret;
}

/**
 * Pull secrets for a cluster: a ServiceAccount for pods, and an ExternalSecret that makes the secret, with a token of the cloud or from
 * a store of secrets. No value of a secret and no namespace is in it.
 * https://external-secrets.io/latest/api/generator/
 */
export const exportKubernetes: Exporter = ({ registries, configName }): Exported => {
  const found = registries.map((registry) => ({ registry, ...pullSecrets(registry) }));
  const names = resourceNames([
    ...registries.map(({ desired }) => desired.key),
    ...found.flatMap(({ secrets }) => secrets.map(({ title }) => title)),
  ]);
  const named = (secret: PullSecret): Named => ({ name: names.get(secret.title) ?? secret.title, secret });
  const files = found.flatMap(({ registry, secrets }): readonly ExportedFile[] => {
    if (secrets.length === 0) return [];
    const { key } = registry.desired;
    const manifests = secrets.map(named).flatMap(({ name, secret }) =>
      pullSecretManifests(secret, {
        name,
        server: serverOf(registry),
        origin: origin(configName, secret.line, `pull secret of ${key}`),
      }),
    );
    return [{ path: `${names.get(key) ?? key}.yaml`, text: manifestText(configName, manifests) }];
  });
  const leftOut: LeftOut[] = found.flatMap((each) => each.leftOut);
  const stored = found.flatMap(({ secrets }) => secrets.filter(({ login }) => login.kind === 'stored').map(named));
  if (stored.length > 0) {
    const store = secretStore(registries);
    if (store === undefined) {
      leftOut.push({
        what: `SecretStore ${STORE_NAME}`,
        reason: 'The file uses no store of secrets that passwords could come from.',
        instead: `Write a SecretStore with the name ${STORE_NAME}, or make the secrets with kubectl, see README.md.`,
      });
    } else {
      const comment = `${store.title}, read with the identity of External Secrets.`;
      const text = manifestText(configName, [
        storeManifest(origin(configName, store.line, 'store of secrets'), comment, store.provider),
      ]);
      files.push({ path: `${STORE_NAME}.yaml`, text });
    }
  }
  if (files.length === 0) return { files, leftOut };
  const text = readme(configName, registries, stored);
  return { files: [...files, { path: 'README.md', text }].toSorted(byText(({ path }) => path)), leftOut };
};

/** Docker Hub's logins have the address of an old API as their name. */
function serverOf({ vendor, desired }: ExportedRegistry): string {
  return vendor === 'docker-hub' ? 'https://index.docker.io/v1/' : desired.host;
}

function readme(configName: string, registries: readonly ExportedRegistry[], stored: readonly Named[]): string {
  const open = registries.filter(isPublic).map(({ desired }) => desired.at);
  const kept = stored.map(({ name, secret: { login } }) => {
    const has = login.kind === 'stored' && login.username !== undefined ? '`password`' : '`username` and `password`';
    return `- \`registry-${name}\`: ${has}`;
  });
  return [
    '# Pull secrets',
    '',
    generatedFrom(configName),
    '',
    'They need [External Secrets](https://external-secrets.io) 0.17 or newer in the cluster. No namespace is in them: apply them to each one that pulls,',
    'and let its pods use one of the service accounts.',
    '',
    '```sh',
    'kubectl apply --namespace YOUR_NAMESPACE --filename .',
    '```',
    ...(kept.length === 0
      ? []
      : [
          '',
          'Put these into the store of secrets, each as JSON:',
          '',
          ...kept,
          '',
          'Without External Secrets, make a secret of the same name by hand. The password is on no command line:',
          '',
          '```sh',
          'DOCKER_CONFIG=$(mktemp -d)',
          'export DOCKER_CONFIG',
          'docker login REGISTRY --username USER --password-stdin < password.txt',
          'kubectl create secret generic NAME --namespace YOUR_NAMESPACE --type kubernetes.io/dockerconfigjson \\',
          '  --from-file .dockerconfigjson="$DOCKER_CONFIG/config.json"',
          '```',
        ]),
    ...(open.length === 0
      ? []
      : ['', `No secret is needed for ${open.map((at) => `\`${at}\``).join(', ')}: everybody may pull.`]),
    '',
  ].join('\n');
}

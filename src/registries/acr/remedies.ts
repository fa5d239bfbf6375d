import type { VendorRemedies } from '../vendor.ts';

/** Remedies for Azure Container Registry: https://learn.microsoft.com/azure/container-registry/ */
export const acrRemedies = {
  CREDENTIALS_MISSING: [
    'Set `azure-client-id` and `azure-tenant-id`, and add `permissions: id-token: write` to the job.',
    'Or set `registry: {host}` with `username` and `password` of a service principal or a token of the registry.',
  ],
  UNAUTHORIZED: [
    'Check the credentials: `az acr login --name {registry-name}`.',
    'A token of the registry may be disabled or its password expired: `az acr token show --registry {registry-name}`.',
  ],
  DENIED: {
    any: [
      'Grant the role `AcrPush`; in a registry with attribute-based access, `Container Registry Repository Writer`.',
      'For a token of the registry, add `content/read` and `content/write` on `{repository}` to its scope map.',
    ],
    login: [
      'Grant the identity a role at the registry: `AcrPush`; in a registry with attribute-based access, `Container Registry Repository Writer`.',
    ],
    read: [
      'Grant the role `AcrPull`; in a registry with attribute-based access, `Container Registry Repository Reader`.',
      'For a token of the registry, add `content/read` on `{repository}` to its scope map.',
    ],
    delete: [
      'Grant the role `AcrDelete`; in a registry with attribute-based access, `Container Registry Repository Contributor`.',
      'For a token of the registry, add `content/delete` on `{repository}` to its scope map.',
    ],
  },
  SCOPE_TOO_NARROW: {
    any: [
      'Grant the role `AcrPush`; in a registry with attribute-based access, `Container Registry Repository Writer`.',
      'For a token of the registry, add `content/write` on `{repository}` to its scope map.',
    ],
    read: [
      'Grant the role `AcrPull`, or for a token of the registry `content/read` on `{repository}` in its scope map.',
    ],
  },
  TAG_IMMUTABLE: {
    push: [
      'Unlock the tag: `az acr repository update --name {registry-name} --image {repository}:<tag> --write-enabled true`.',
      'Or do not write this tag: leave it out of `tags`.',
      'If nothing is locked, the storage of the registry may be used up: `az acr show-usage --name {registry-name}`.',
    ],
    promote: [
      'Unlock the tag: `az acr repository update --name {registry-name} --image {repository}:<tag> --write-enabled true`.',
      'Or name another tag in `to`.',
      'If nothing is locked, the storage of the registry may be used up: `az acr show-usage --name {registry-name}`.',
    ],
    delete: [
      'Unlock the image: `az acr repository update --name {registry-name} --image {repository}:<tag> --delete-enabled true --write-enabled true`.',
    ],
  },
  NETWORK_BLOCKED: [
    'Allow the address of the runner: registry → Networking, or use a self-hosted runner inside the network.',
    'On GitHub-hosted larger runners, use static addresses or Azure private networking.',
  ],
  QUOTA_EXCEEDED: ['Check `az acr show-usage --name {registry-name}`; delete unused images or move to a higher tier.'],
  ID_TOKEN_AUDIENCE: [
    'Set the audience of the federated credential to `api://AzureADTokenExchange`.',
    'Or set `oidc-audience` to the audience of the federated credential.',
  ],
  ID_TOKEN_SUBJECT: [
    'Add a federated credential with exactly the subject and issuer that the message shows to the app registration.',
    'A job with `environment:` has another subject, and repositories created or renamed since 2026-07-15 have ids in it: add one credential for each form.',
    'Wait five minutes after a change.',
  ],
  KEYLESS_REFUSED: [
    'Check `azure-client-id` and `azure-tenant-id`.',
    'Check that the identity has a role at the registry: `AcrPush`, or `Container Registry Repository Writer`.',
  ],
} as const satisfies VendorRemedies;

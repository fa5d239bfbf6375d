import type { ExportedRegistry, Exporter, LeftOut } from '../exported-file.ts';
import { registryIam } from '../iam/registry-iam.ts';
import { acrModule } from './acr.ts';
import { artifactoryModule } from './artifactory.ts';
import { hubModule } from './docker-hub.ts';
import { ecrModule } from './ecr.ts';
import { ecrPublicModule } from './ecr-public.ts';
import { googleModule } from './google.ts';
import { harborModule } from './harbor.ts';
import { type ModuleSource, moduleFiles, moduleSource, type TerraformModule } from './module.ts';
import { nexusModule } from './nexus.ts';

/** How to write each kind of registry; undefined: nothing to write. */
const WRITERS: Readonly<Record<string, (source: ModuleSource) => TerraformModule | undefined>> = {
  ecr: ecrModule,
  'artifact-registry': googleModule,
  'ecr-public': ecrPublicModule,
  acr: acrModule,
  harbor: harborModule,
  'docker-hub': hubModule,
  nexus: nexusModule,
  artifactory: artifactoryModule,
};

/** Terraform, a folder for each registry. */
export const exportTerraform: Exporter = ({ registries, configName, workflow }) => {
  const written = registries.map((registry) => {
    const module = WRITERS[registry.vendor]?.(moduleSource(registry, configName));
    return module === undefined
      ? { files: [], leftOut: [withoutProvider(registry)] }
      : {
          files: [...moduleFiles(registry.desired.key, module, configName), ...registryIam(registry, workflow)],
          leftOut: module.leftOut,
        };
  });
  return {
    files: written.flatMap(({ files }) => files),
    leftOut: written.flatMap(({ leftOut }) => leftOut),
  };
};

/** Why there is no Terraform for a kind of registry. */
const WITHOUT: Readonly<Record<string, string>> = {
  ghcr: 'GitHub has no API for the settings of packages, and so there is no resource for them.',
};

function withoutProvider({ vendor, title, desired }: ExportedRegistry): LeftOut {
  return {
    what: desired.at,
    reason: `There is no Terraform for ${title} in this export. ${WITHOUT[vendor] ?? 'Its settings are in its configuration.'}`,
    instead: '`command: setup` without `export` plans and applies what its API can do.',
  };
}

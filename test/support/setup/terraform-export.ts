import type { DesiredRegistry } from '../../../src/domain/setup/desired-state.ts';
import type { RegistryState } from '../../../src/domain/setup/export/exported-file.ts';
import { exportTerraform } from '../../../src/domain/setup/export/terraform/export.ts';
import type { VendorId } from '../../../src/inputs/vendors.ts';

/** The code of one registry by its files, as one text, and what it leaves out. */
export function terraformOf(vendor: VendorId, desired: DesiredRegistry, state: RegistryState) {
  const registry = { vendor, title: vendor, desired, existing: [], state };
  const { files, leftOut } = exportTerraform({ registries: [registry], configName: 'setup.yml' });
  const texts = new Map(files.map(({ path, text }) => [path.slice(path.indexOf('/') + 1), text]));
  return { texts, all: [...texts.values()].join('\n'), leftOut };
}

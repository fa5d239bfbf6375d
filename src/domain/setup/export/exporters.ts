import type { Exporter } from './exported-file.ts';

/** What a desired state can be written as; each is loaded when it is asked for. */
export const EXPORTERS = {
  cloudformation: async () => (await import('./cloudformation/export.ts')).exportCloudFormation,
  docker: async () => (await import('./docker/docker.ts')).exportDocker,
  kubernetes: async () => (await import('./kubernetes/kubernetes.ts')).exportKubernetes,
  terraform: async () => (await import('./terraform/export.ts')).exportTerraform,
} as const satisfies Readonly<Record<string, () => Promise<Exporter>>>;

export type ExportFormat = keyof typeof EXPORTERS;

export function isExportFormat(text: string): text is ExportFormat {
  return Object.hasOwn(EXPORTERS, text);
}

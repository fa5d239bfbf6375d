import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportedImage } from '../../domain/report/content.ts';
import { mergeResults, type ScanResult, type ScanSource } from '../../domain/report/scan.ts';
import { ActionError } from '../../errors/action-error.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import type { OpenTarget } from '../../run/inventory/open-targets.ts';
import type { Progress } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ReportInputs } from './inputs.ts';
import { createTrivyScan } from './trivy.ts';

/** The scanners of a run. */
export interface Scanners {
  /** The result of each scanner for an image. Failures are results. @throws ActionError CANCELLED */
  readonly results: (target: OpenTarget, image: ReportedImage) => Promise<readonly ScanResult[]>;
}

/** Codes that mean missing rights. */
const FORBIDDEN: ReadonlySet<string> = new Set(['DENIED', 'UNAUTHORIZED', 'SCOPE_TOO_NARROW', 'CREDENTIALS_MISSING']);

export function createScanners(runtime: Runtime, inputs: ReportInputs, _progress: Progress): Scanners {
  const scanWithTrivy = createTrivyScan(runtime, inputs);
  let fetched = 0;
  const trivy = async ({ target }: OpenTarget, { digest }: ReportedImage): Promise<ScanResult> => {
    fetched += 1;
    const directory = join(runtime.temp, `report-${fetched}`);
    try {
      await fetchLayout(target.repository, digest, directory);
      return await scanWithTrivy(await readLayout(directory, { digest }), target.image.name);
    } finally {
      // Images of a report may be more than the disk has room for.
      await rm(directory, { recursive: true, force: true });
    }
  };
  return {
    results: async (open, image) => {
      const found: ScanResult[] = [];
      if (inputs.scans.registry && open.target.managed.scans !== undefined)
        found.push(await registryResult(open, image));
      if (inputs.scans.trivy) found.push(await guarded('trivy', () => trivy(open, image)));
      return found;
    },
  };
}

/** The registry's own result: of every platform, because vendors scan manifests. */
async function registryResult({ target }: OpenTarget, image: ReportedImage): Promise<ScanResult> {
  const { scans } = target.managed;
  if (scans === undefined) return { source: 'ecr', status: 'unsupported' };
  const results: (ScanResult & { readonly platform?: string })[] = [];
  const parts = image.manifests.length === 0 ? [{ digest: image.digest }] : image.manifests;
  for (const part of parts) {
    const result = await guarded(scans.source, () => scans.result(part.digest));
    results.push('platform' in part && part.platform !== undefined ? { ...result, platform: part.platform } : result);
  }
  return mergeResults(scans.source, results);
}

async function guarded(source: ScanSource, task: () => Promise<ScanResult>): Promise<ScanResult> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
    const status = FORBIDDEN.has(error.code) ? 'forbidden' : 'unavailable';
    return { source, status, reason: error.message.split('\n', 1)[0] ?? '' };
  }
}

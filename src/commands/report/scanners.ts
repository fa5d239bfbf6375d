import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportedImage } from '../../domain/report/content.ts';
import { mergeResults, type ScanResult, type ScanSource } from '../../domain/report/scan.ts';
import { ActionError } from '../../errors/action-error.ts';
import { CATALOGUE } from '../../errors/catalogue.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import type { OpenTarget } from '../../run/inventory/open-targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { findScout, type Scout } from '../../tools/scout/scout.ts';
import type { ReportInputs } from './inputs.ts';
import { createTrivyScan } from './trivy.ts';

/** The scanners of a run. */
export interface Scanners {
  /** The result of each scanner for an image. Failures are results. @throws ActionError CANCELLED */
  readonly results: (target: OpenTarget, image: ReportedImage) => Promise<readonly ScanResult[]>;
}

/** Codes that mean missing rights. */
const FORBIDDEN: ReadonlySet<string> = new Set(['DENIED', 'UNAUTHORIZED', 'SCOPE_TOO_NARROW', 'CREDENTIALS_MISSING']);

export function createScanners(runtime: Runtime, inputs: ReportInputs): Scanners {
  const { registry, trivy, scout } = inputs.scans;
  const scanWithTrivy = createTrivyScan(runtime, inputs);
  let found: Promise<Scout | undefined> | undefined;
  const scanWithScout = async (directory: string, { manifests }: ReportedImage): Promise<ScanResult> => {
    found ??= findScout(runtime);
    const scan = await found;
    if (scan === undefined)
      return { source: 'scout', status: 'unsupported', reason: 'The runner has no `docker scout` plugin.' };
    const results: (ScanResult & { readonly platform: string })[] = [];
    for (const { platform = 'linux/amd64' } of manifests)
      results.push({ ...(await scan(directory, platform)), platform });
    return mergeResults('scout', results);
  };
  let fetched = 0;
  /** Both look at the same bytes. */
  const own = async ({ target }: OpenTarget, image: ReportedImage): Promise<readonly ScanResult[]> => {
    const sources = [...(trivy ? (['trivy'] as const) : []), ...(scout ? (['scout'] as const) : [])];
    if (sources.length === 0) return [];
    if (image.kind !== 'image')
      return sources.map((source) => ({
        source,
        status: 'unsupported',
        reason: `It is not an image (${image.kind}).`,
      }));
    const { digest } = image;
    fetched += 1;
    const directory = join(runtime.temp, `report-${fetched}`);
    try {
      const problem = await guarded('trivy', async () => {
        await fetchLayout(target.repository, digest, directory);
        return { source: 'trivy', status: 'complete' };
      });
      if (problem.status !== 'complete') return sources.map((source) => ({ ...problem, source }));
      const results: ScanResult[] = [];
      if (trivy) {
        const scan = async () => scanWithTrivy(await readLayout(directory, { digest }), target.image.name);
        results.push(await guarded('trivy', scan));
      }
      if (scout) results.push(await guarded('scout', () => scanWithScout(directory, image)));
      return results;
    } finally {
      // Images of a report may be more than the disk has space for.
      await rm(directory, { recursive: true, force: true });
    }
  };
  return {
    results: async (open, image) => [
      ...(registry && open.target.managed.scans !== undefined ? [await registryResult(open, image)] : []),
      ...(await own(open, image)),
    ],
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
    const isScanner = CATALOGUE[error.code].outcome === 'scanner-failed';
    const status = FORBIDDEN.has(error.code) ? 'forbidden' : isScanner ? 'failed' : 'unavailable';
    return { source, status, reason: error.message.split('\n', 1)[0] ?? '' };
  }
}

import { readFile, stat } from 'node:fs/promises';
import { DecodeError } from '../../domain/gate/decode.ts';
import { bindingProblem } from '../../domain/gate/platform-report.ts';
import { decodeReport, type ScanReport } from '../../domain/gate/report.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ScannablePlatform } from './view.ts';

const MAX_REPORT_BYTES = 256 * 1024 * 1024;

/**
 * Trivy's report about one platform.
 * @param version of the Trivy that was run
 * @throws ActionError REPORT_INVALID when it is missing, truncated, or about something else
 */
export async function readReport(file: string, platform: ScannablePlatform, version: string): Promise<ScanReport> {
  const invalid = (problem: string, cause?: unknown) =>
    new ActionError('REPORT_INVALID', `The report about ${platform.name} cannot be used: ${problem}.`, {
      cause,
      facts: { platform: platform.name },
    });
  const size = await stat(file).then(
    (facts) => facts.size,
    () => undefined,
  );
  if (size === undefined) throw invalid('Trivy ended well but wrote none');
  if (size === 0) throw invalid('it is empty');
  if (size > MAX_REPORT_BYTES) throw invalid(`it has ${size} bytes, more than ${MAX_REPORT_BYTES}`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw invalid(`its ${size} bytes are not JSON, it may be cut off`, error);
  }
  let report: ScanReport;
  try {
    report = decodeReport(json);
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(error.message, error);
    throw error;
  }
  const problem = bindingProblem(report, platform, version);
  if (problem !== undefined) throw invalid(problem);
  return report;
}

import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldsOf } from '../../domain/fields.ts';
import { parsePurl } from '../../domain/gate/purl.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { ActionError } from '../../errors/action-error.ts';
import { childEnvironment, type Runtime } from '../../runtime/runtime.ts';

const TIMEOUT_MS = 10 * 60 * 1000;
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
/** The login of Docker Scout, which sends the packages of an image to Docker's service; nothing of registries. */
const VARIABLES = ['DOCKER_CONFIG', 'DOCKER_SCOUT_HUB_USER', 'DOCKER_SCOUT_HUB_PASSWORD', 'DOCKER_SCOUT_CACHE_DIR'];

/**
 * Docker Scout, the plugin of the docker command. It reads a layout on disk, so that it looks at the same bytes as Trivy.
 * https://docs.docker.com/reference/cli/docker/scout/cves/
 * @returns undefined when the plugin is not installed
 */
export async function findScout(runtime: Runtime): Promise<Scout | undefined> {
  const env = childEnvironment(runtime.env, VARIABLES);
  const answer = await runtime
    .exec('docker', ['scout', 'version'], { env, timeout: 60_000 })
    .catch((error: unknown) => {
      if (error instanceof ActionError && error.code === 'PROGRAM_MISSING') return undefined;
      throw error;
    });
  if (answer?.exitCode !== 0) return undefined;
  return async (directory, platform) => {
    const file = join(runtime.temp, `scout-${randomUUID()}.json`);
    const args = ['scout', 'cves', '--format', 'sarif', '--output', file, '--platform', platform];
    const { exitCode, stderr } = await runtime.exec('docker', [...args, `oci-dir://${directory}`], {
      env,
      timeout: TIMEOUT_MS,
    });
    try {
      if (exitCode !== 0) return { source: 'scout', status: 'failed', reason: lastLine(stderr) };
      const found = await stat(file).catch(() => undefined);
      if (found === undefined || found.size > MAX_REPORT_BYTES)
        return { source: 'scout', status: 'failed', reason: 'Docker Scout wrote no report.' };
      return readScout(await readFile(file, 'utf8'));
    } finally {
      await rm(file, { force: true });
    }
  };
}

/** Scans one platform of the image in a layout directory. */
export type Scout = (directory: string, platform: string) => Promise<ScanResult>;

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? 'Docker Scout failed without a message.' : line.slice(0, 300);
}

/** Reads Scout's SARIF: each rule is a vulnerability, with its packages as package URLs. Pure. */
export function readScout(text: string): ScanResult {
  const source = 'scout';
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { source, status: 'failed', reason: 'The report of Docker Scout is not JSON.' };
  }
  const { runs } = fieldsOf(document);
  if (!Array.isArray(runs)) return { source, status: 'failed', reason: 'The report of Docker Scout has no runs.' };
  const findings = runs.map(fieldsOf).flatMap(({ tool, results }) => {
    const { rules } = fieldsOf(fieldsOf(tool).driver);
    const byId = new Map(listOf(rules).map((rule) => [fieldsOf(rule).id, fieldsOf(fieldsOf(rule).properties)]));
    return listOf(results).flatMap((result) => {
      const { ruleId: id } = fieldsOf(result);
      const properties = byId.get(id) ?? fieldsOf(undefined);
      const purls = listOf(properties.purls).map((purl) => (typeof purl === 'string' ? parsePurl(purl) : undefined));
      const packages = purls.length === 0 ? [undefined] : purls;
      return packages.flatMap(
        (purl) =>
          scanFinding({
            id,
            severity: severityOf(properties),
            package: purl?.name,
            version: purl?.version,
            fixed: properties.fixed_version === 'not fixed' ? undefined : properties.fixed_version,
          }) ?? [],
      );
    });
  });
  return { source, status: 'complete', findings: uniqueFindings(findings) };
}

/** In words, or by the score that GitHub sorts by. https://nvd.nist.gov/vuln-metrics/cvss */
function severityOf(properties: Readonly<Record<string, unknown>>): unknown {
  const { cvssV3_severity: word, 'security-severity': score } = properties;
  if (typeof word === 'string' && word !== '' && word !== 'UNSPECIFIED') return word;
  const value = Number(score ?? Number.NaN);
  if (Number.isNaN(value) || value === 0) return undefined;
  return value >= 9 ? 'CRITICAL' : value >= 7 ? 'HIGH' : value >= 4 ? 'MEDIUM' : 'LOW';
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

import { describeFinding } from '../domain/gate/finding.ts';
import type { IgnoreEntry } from '../domain/gate/ignores.ts';
import { judge, type Verdict } from '../domain/gate/policy.ts';
import type { VexStatement } from '../domain/gate/vex.ts';
import type { Inputs } from '../inputs/parse.ts';
import type { LocalImage } from '../oci/image.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { TRIVY } from '../tools/checksums.ts';
import { readIgnoreFile, readVex } from '../tools/gate-files.ts';
import { installTool, type Tool } from '../tools/installer.ts';
import { scanPlatforms } from '../tools/trivy.ts';
import { type Database, databaseDirectory, prepareDatabase, prepareJavaDatabase } from '../tools/trivy-database.ts';
import { openMirrors } from './mirrors.ts';

/** What the policy reads from files of the repository, read and checked. */
export interface GateFiles {
  readonly ignores: readonly IgnoreEntry[];
  readonly vex: readonly VexStatement[];
}

/** A scanner that is ready, with its database where it needs one. */
export interface Scanner {
  readonly trivy: Tool;
  readonly database?: Database;
}

const MINUTE = 60_000;
const SCAN_TIMEOUT = 15 * MINUTE;

/**
 * Reads what the gate needs from the workspace, so that its problems are told before anything slow begins.
 * @throws ActionErrors of IGNOREFILE_INVALID and VEX_INVALID
 */
export async function prepareGate({ workspace }: Runtime, inputs: Inputs): Promise<GateFiles> {
  const { ignorefile } = inputs;
  if (inputs.scan === 'off') return { ignores: [], vex: [] };
  return {
    ignores: ignorefile === undefined ? [] : await readIgnoreFile(workspace, ignorefile),
    vex: await readVex(workspace, inputs.vex),
  };
}

/** Gets the scanner and its database. Started before the build, so that the two do not wait for each other. */
export function startScanner(runtime: Runtime, inputs: Inputs): () => Promise<Scanner> {
  const start = async (): Promise<Scanner> => {
    const trivy = await installTool(runtime, TRIVY, { version: inputs['trivy-version'] });
    if (!inputs.scanners.includes('vuln')) return { trivy };
    const database = await prepareDatabase(runtime, {
      repositories: inputs['db-repository'],
      maxAge: inputs['max-db-age'],
      cacheDir: databaseDirectory(runtime),
      open: openMirrors(runtime, inputs),
    });
    return { trivy, database };
  };
  if (inputs.scan === 'off') return start;
  const started = start();
  // Whoever asks for it gets the error; until then nobody does, and an unhandled rejection would end the process.
  started.catch(() => undefined);
  return () => started;
}

/**
 * Scans every platform of an image and applies the policy to what was found.
 * @param names of the image, without tags: entries of the ignore file may be for some of them
 * @throws ActionError whatever keeps the scan from being done; findings are in the verdict
 */
export async function scanImage(
  runtime: Runtime,
  inputs: Inputs,
  { ignores, vex }: GateFiles,
  scanner: () => Promise<Scanner>,
  image: LocalImage,
  names: readonly string[],
): Promise<{ readonly verdict: Verdict; readonly trivy: Tool }> {
  const { trivy, database } = await scanner();
  const cacheDir = databaseDirectory(runtime);
  runtime.log.info(
    `Trivy ${trivy.version}${database === undefined ? '' : `, database of ${database.updatedAt.toISOString()}`}`,
  );
  const reports = await scanPlatforms(runtime, trivy, image, {
    scanners: inputs.scanners,
    cacheDir: database?.cacheDir,
    prepareJava: async () =>
      (
        await prepareJavaDatabase(runtime, {
          repositories: inputs['java-db-repository'],
          cacheDir,
          open: openMirrors(runtime, inputs),
        })
      ).cacheDir,
    timeout: SCAN_TIMEOUT,
  });
  // What a registry has already is not sent, and so not hashed again: the scan must have seen exactly what the digests say.
  await image.verify();
  const verdict = judge({
    image: { digest: image.root.descriptor.digest, names },
    reports,
    policy: {
      severities: inputs.severity,
      ignoreUnfixed: inputs['ignore-unfixed'],
      failOnEol: inputs['fail-on-eol'],
      allowUnknownOs: inputs['allow-unknown-os'],
    },
    ignores,
    vex,
    today: runtime.clock.now().toISOString().slice(0, 10),
  });
  for (const { platform, packages, system, counts, gated } of verdict.platforms) {
    const found = Object.entries(counts).map(([severity, count]) => `${count} ${severity.toLowerCase()}`);
    runtime.log.info(
      `${platform}: ${system ?? 'no operating system'}, packages: ${packages}, findings: ${found.join(', ')}; closing the gate: ${gated}`,
    );
  }
  for (const note of verdict.notes) runtime.log.info(note);
  for (const finding of verdict.gated) runtime.log.info(describeFinding(finding));
  return { verdict, trivy };
}

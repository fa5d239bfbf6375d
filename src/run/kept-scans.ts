import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { fieldsOf } from '../domain/fields.ts';
import type { PlatformReport } from '../domain/gate/platform-report.ts';
import type { Scanner } from '../domain/gate/severity.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ScannablePlatform } from '../tools/trivy/view.ts';

/** What a report depends on besides the platform. */
export interface ScanConditions {
  readonly trivyVersion: string;
  readonly scanners: readonly Scanner[];
  /** Folder that contains `db/`; undefined when no scanner needs it. */
  readonly cacheDir: string | undefined;
}

/** Reports that earlier steps of this job have kept. */
export interface KeptScans {
  /** The report about exactly this platform; undefined when it must be scanned. */
  readonly find: (platform: ScannablePlatform) => Promise<PlatformReport | undefined>;
  readonly keep: (reports: readonly PlatformReport[], platforms: readonly ScannablePlatform[]) => Promise<void>;
}

/** Of the file. Change it whenever a report of another version of this action could mean something else. */
const FORMAT = 1;
const MAC_BYTES = 32;
const MAX_BYTES = 256 * 1024 * 1024;

const NONE: KeptScans = { find: async () => undefined, keep: async () => undefined };

/**
 * Keeps reports for later steps of the same job, outside of the workspace. Only findings are kept: each step applies its
 * own policy, its own ignore file and VEX documents, and the date of the day to them.
 *
 * A report is found for the same manifest, config, platform name, scanner version, scanners, database, day, run, attempt
 * and job. Each file is authenticated with the token that the runner gives to the actions of a job and not to its `run`
 * steps; without that token nothing is kept.
 * https://github.com/actions/toolkit/blob/main/packages/artifact/src/internal/shared/config.ts
 */
export async function openKeptScans(
  runtime: Runtime,
  { trivyVersion, scanners, cacheDir }: ScanConditions,
): Promise<KeptScans> {
  const { RUNNER_TEMP, ACTIONS_RUNTIME_TOKEN: token, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB } = runtime.env;
  if (!RUNNER_TEMP || !token || !GITHUB_RUN_ID) return NONE;
  const database = cacheDir === undefined ? '' : await databaseOf(join(cacheDir, 'db'));
  if (database === undefined) return NONE;
  const folder = join(RUNNER_TEMP, 'registry-action-scans');
  const day = runtime.clock.now().toISOString().slice(0, 10);
  const about = [
    FORMAT,
    GITHUB_RUN_ID,
    GITHUB_RUN_ATTEMPT,
    GITHUB_JOB,
    trivyVersion,
    [...scanners].sort(),
    database,
    day,
  ];
  const keyOf = ({ name, manifest, configDigest }: ScannablePlatform) =>
    createHash('sha256')
      .update(JSON.stringify([...about, name, manifest.descriptor.digest, configDigest]))
      .digest('hex');
  const macOf = (key: string, content: Uint8Array) => createHmac('sha256', token).update(key).update(content).digest();
  return {
    find: async (platform) => {
      const key = keyOf(platform);
      const file = join(folder, key);
      try {
        if ((await stat(file)).size > MAX_BYTES) return undefined;
        const bytes = await readFile(file);
        const content = bytes.subarray(MAC_BYTES);
        if (bytes.length <= MAC_BYTES || !timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(key, content))) {
          runtime.log.warning(`${file} was changed since it was written. ${platform.name} is scanned again.`);
          return undefined;
        }
        const report: unknown = deserialize(content);
        return isReport(report, platform) ? report : undefined;
      } catch (error) {
        runtime.log.debug(`${platform.name} was not scanned in this job before: ${String(error)}`);
        return undefined;
      }
    },
    keep: async (reports, platforms) => {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        for (const platform of platforms) {
          const report = reports.find(({ digest }) => digest === platform.manifest.descriptor.digest);
          if (report === undefined) continue;
          const key = keyOf(platform);
          const content = serialize({ ...report, scannedAt: runtime.clock.now().toISOString() });
          const file = join(folder, key);
          await replaceFile(file, Buffer.concat([macOf(key, content), content]), 0o600);
        }
      } catch (error) {
        runtime.log.debug(`The scan is not kept for later steps: ${String(error)}`);
      }
    },
  };
}

/** The download that a database came with: its versions and times. */
async function databaseOf(folder: string): Promise<string | undefined> {
  const read = await readFile(join(folder, 'metadata.json')).catch(() => undefined);
  return read === undefined ? undefined : createHash('sha256').update(read).digest('hex');
}

/** The file is authenticated, so this process or an earlier one of the same job has written the rest of it. */
function isReport(value: unknown, { name, manifest }: ScannablePlatform): value is PlatformReport {
  const { platform, digest, report } = fieldsOf(value);
  return platform === name && digest === manifest.descriptor.digest && typeof report === 'object' && report !== null;
}

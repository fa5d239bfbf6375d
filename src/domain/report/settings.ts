/** A registry compared with the file of `command: setup`. */
export interface ComparedSettings {
  /** As in the file: `111122223333.dkr.ecr.eu-west-1.amazonaws.com`, `europe-docker.pkg.dev/acme-prod`. */
  readonly registry: string;
  /** Absent when the registry could not be read. */
  readonly differences?: readonly SettingDifference[];
  /** Settings that are as the file has them. */
  readonly equal: number;
  /** What could not be read or compared: sentences. */
  readonly unread: readonly string[];
}

/** A setting that is not as the file has it. Values as texts. */
export interface SettingDifference {
  /** `acme/api immutable`; the registry's own: `scan`. */
  readonly setting: string;
  /** Absent: not known. */
  readonly is?: string;
  /** Absent: the file takes it away. */
  readonly should?: string;
  /** Line of the file. */
  readonly line?: number;
}

/** All differences, one sentence each. */
export function differenceTexts(registries: readonly ComparedSettings[]): readonly string[] {
  return registries.flatMap(({ registry, differences = [] }) =>
    differences.map(
      ({ setting, is = 'unknown', should = 'none' }) => `${registry}: ${setting} is ${is}, and should be ${should}.`,
    ),
  );
}

import type { Fields } from '../fields.ts';

/** A scan as cosign's `vuln` predicate has it. Times in ISO 8601. */
export interface VulnerabilityScan {
  /** Address of the run that scanned. */
  readonly run: string;
  readonly scanner: { readonly name: string; readonly version: string; readonly database?: string };
  readonly started: string;
  readonly finished: string;
  /** The report, by platform. */
  readonly result: unknown;
}

/** https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md */
export function vulnerabilityPredicate({ run, scanner, started, finished, result }: VulnerabilityScan): Fields {
  const { name, version, database } = scanner;
  return {
    invocation: { parameters: null, uri: run, event_id: '', 'builder.id': '' },
    scanner: {
      uri: `pkg:github/aquasecurity/${name}@${version}`,
      version,
      db: { uri: '', version: '', ...(database === undefined ? {} : { lastUpdate: database }) },
      result,
    },
    metadata: { scanStartedOn: started, scanFinishedOn: finished },
  };
}

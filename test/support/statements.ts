/** In-toto statements as BuildKit writes them, in both generations. */
export interface StatementFacts {
  readonly platform: string;
  /** Of the platform's manifest. */
  readonly digest: string;
  /** Full names with tags; none gives `subject: []`, as BuildKit does for an export without a name. */
  readonly names: readonly string[];
  readonly statement: 'v0.1' | 'v1';
  readonly provenance: 'v0.2' | 'v1';
  readonly builderId: string;
  readonly packages: readonly string[];
}

export function inTotoStatements(facts: StatementFacts) {
  const [algorithm = '', hex = ''] = facts.digest.split(':');
  const subject = facts.names.map((name) => ({
    name: `pkg:docker/${name.replace(/:([^:/]+)$/, '@$1')}?platform=${encodeURIComponent(facts.platform)}`,
    digest: { [algorithm]: hex },
  }));
  const _type = `https://in-toto.io/Statement/${facts.statement}`;
  const spdx = 'https://spdx.dev/Document';
  const slsa = `https://slsa.dev/provenance/${facts.provenance}`;
  const sbom: Record<string, unknown> = {
    _type,
    predicateType: spdx,
    subject,
    predicate: spdxDocument(facts.packages),
  };
  const provenance: Record<string, unknown> = {
    _type,
    predicateType: slsa,
    subject,
    predicate: facts.provenance === 'v1' ? slsaV1(facts) : slsaV02(facts),
  };
  return [
    { kind: 'sbom', predicateType: spdx, statement: sbom },
    { kind: 'provenance', predicateType: slsa, statement: provenance },
  ] as const;
}

function spdxDocument(packages: readonly string[]) {
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'image',
    documentNamespace: 'https://example.com/image',
    creationInfo: { creators: ['Tool: test'], created: '2026-01-02T03:04:05Z' },
    packages: packages.map((name) => ({
      name,
      SPDXID: `SPDXRef-Package-${name}`,
      versionInfo: '1.0.0',
      downloadLocation: 'NONE',
    })),
    relationships: [],
  };
}

function slsaV1(facts: StatementFacts) {
  return {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      externalParameters: { configSource: { path: 'Dockerfile' }, request: { frontend: 'dockerfile.v0' } },
      resolvedDependencies: [],
    },
    runDetails: { builder: { id: facts.builderId }, metadata: { invocationID: 'test' } },
  };
}

function slsaV02(facts: StatementFacts) {
  return {
    builder: { id: facts.builderId },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: [],
    invocation: { configSource: { entryPoint: 'Dockerfile' }, parameters: {}, environment: {} },
    metadata: { buildInvocationID: 'test' },
  };
}

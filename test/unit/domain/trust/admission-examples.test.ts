import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PREDICATES } from '../../../../src/domain/trust/predicates.ts';

const PAGE = await readFile(new URL('../../../../docs/verify.md', import.meta.url), 'utf8');
const EXAMPLES: readonly string[] = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const SIGNER = {
  issuer: 'https://token.actions.githubusercontent.com',
  subject: 'https://github.com/org/app/.github/workflows/release.yml@refs/heads/main',
};

const text = { type: 'string' };
const list = (items: object) => ({ type: 'array', minItems: 1, items });
/** Every name is needed, and there are no others: a misspelt one is ignored by clusters. */
const fields = (properties: Readonly<Record<string, object>>) => ({
  ...{ type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
});
const identities = list(fields({ issuer: { const: SIGNER.issuer }, subject: { const: SIGNER.subject } }));
const predicateType = { enum: Object.values(PREDICATES) };
const header = (apiVersion: string, kind: string) => ({
  apiVersion: { const: apiVersion },
  kind: { const: kind },
  metadata: fields({ name: text }),
});

/** What the examples use of the controllers' own descriptions. */
const SCHEMAS: Readonly<Record<string, object>> = {
  // https://github.com/kyverno/kyverno/tree/main/config/crds/policies.kyverno.io
  ImageValidatingPolicy: fields({
    ...header('policies.kyverno.io/v1', 'ImageValidatingPolicy'),
    spec: fields({
      validationActions: list({ enum: ['Deny', 'Audit', 'Warn'] }),
      matchConstraints: fields({
        resourceRules: list(
          fields({ apiGroups: list(text), apiVersions: list(text), operations: list(text), resources: list(text) }),
        ),
      }),
      matchImageReferences: list(fields({ glob: text })),
      attestors: list(
        fields({ name: text, cosign: fields({ keyless: fields({ identities }), ctlog: fields({ url: text }) }) }),
      ),
      attestations: list(fields({ name: text, intoto: fields({ type: predicateType }) })),
      validations: list(fields({ message: text, expression: text })),
    }),
  }),
  // https://github.com/sigstore/policy-controller/blob/main/config/300-clusterimagepolicy.yaml
  ClusterImagePolicy: fields({
    ...header('policy.sigstore.dev/v1beta1', 'ClusterImagePolicy'),
    spec: fields({
      images: list(fields({ glob: text })),
      authorities: list(
        fields({
          ...{ name: text, signatureFormat: { const: 'bundle' }, keyless: fields({ identities }) },
          attestations: list(fields({ name: text, predicateType })),
        }),
      ),
    }),
  }),
  // https://github.com/sse-secure-systems/connaisseur/blob/master/docs/validators/notation.md
  validators: fields({
    validators: list(
      fields({ name: text, type: { const: 'notation' }, trustRoots: list(fields({ name: text, cert: text })) }),
    ),
    policy: list(fields({ pattern: text, validator: text })),
  }),
};

describe('examples for clusters', () => {
  test.each(Object.keys(SCHEMAS))('%s has the fields of its controller, and names what is signed here', (kind) => {
    const example = EXAMPLES.find((each) => each.includes(`kind: ${kind}`) || each.startsWith(`${kind}:`));
    expect(example).toBeDefined();
    const ajv = new Ajv({ allErrors: true });
    ajv.validate(SCHEMAS[kind] ?? false, parse(example ?? ''));
    expect(ajv.errors ?? []).toEqual([]);
  });

  test('names that an example refers to exist in it', () => {
    const [kyverno = '', connaisseur = ''] = ['kind: ImageValidatingPolicy', 'validators:'].map((start) =>
      EXAMPLES.find((each) => each.includes(start)),
    );
    const { spec }: { spec: Record<'attestors' | 'attestations', { name: string }[]> } = parse(kyverno);
    for (const [, group = '', name] of kyverno.matchAll(/\b(attestors|attestations)\.(\w+)/g)) {
      const known = group === 'attestors' ? spec.attestors : spec.attestations;
      expect(known.map((each) => each.name)).toContain(name);
    }
    const { validators, policy }: { validators: { name: string }[]; policy: { validator: string }[] } =
      parse(connaisseur);
    expect(validators.map(({ name }) => name)).toEqual(policy.map(({ validator }) => validator));
  });

  test('policy-controller lists the signature as well: without it, an attestation alone is no signature', () => {
    const example = EXAMPLES.find((each) => each.includes('kind: ClusterImagePolicy')) ?? '';
    expect(example).toContain(PREDICATES.signature);
    expect(example).toContain(PREDICATES.gateResult);
  });
});

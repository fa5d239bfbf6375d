import { expect } from 'vitest';
import type { ActionOptions, ActionRun } from '../../support/action.ts';
import { fill } from '../../support/copy-source.ts';
import { type Fault, type RegistryOptions, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

export const DEV = 'dev/app';
export const PROD = 'prod/app';
const RECORD = 'io.github.registry-action.promotion.record';

/** An image in `dev/app` that is promoted to `prod/app:production`, by default in one registry. */
export async function createScene(options: RegistryOptions = {}, other?: RegistryOptions) {
  const job = await createPromotionJob();
  const registry = await startRegistry({ referrers: true, ...options });
  const target = other === undefined ? registry : await startRegistry({ referrers: true, ...other });
  return {
    job,
    registry,
    /** The registry of `prod/app`. */
    target,
    source: fill(registry, DEV),
    promote: (from = 'v1', inputs: Readonly<Record<string, string>> = {}, more: Partial<ActionOptions> = {}) =>
      job.promote(
        {
          from: `${registry.host}/${DEV}:${from}`,
          to: `${target.host}/${PROD}`,
          environment: 'production',
          ...inputs,
        },
        more,
      ),
    /** What production holds. */
    held: () => target.tags(PROD).production,
    [Symbol.asyncDispose]: async () => {
      try {
        await registry.close();
        if (target !== registry) await target.close();
      } finally {
        await job[Symbol.asyncDispose]();
      }
    },
  };
}

/** A registry that does not name the digest of the tag that it took: then the tag is read back. */
export const UNCONFIRMED: Fault = {
  match: { method: 'PUT', path: /manifests\/production$/, nth: 'all' },
  action: { headers: { 'docker-content-digest': null } },
};

export interface ToldError {
  readonly code: string;
  readonly message: string;
}

export function errorsOf(run: ActionRun): readonly ToldError[] {
  return JSON.parse(run.outputs.json ?? '{}').errors;
}

/** A red run with one error, told once. */
export function expectError(run: ActionRun, outcome: string, code: string): string {
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome } });
  const errors = errorsOf(run);
  expect(errors.map((each) => each.code)).toEqual([code]);
  expect(run.annotations.filter(({ level }) => level === 'error')).toHaveLength(1);
  return errors[0]?.message ?? '';
}

export function expectPromoted(run: ActionRun): void {
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
}

/** Promotion records that a repository holds, listed or not. */
export function recordsAt(registry: TestRegistry, name = PROD): number {
  const manifests = registry.digests(name).map((digest) => registry.manifest(name, digest)?.bytes.toString('utf8'));
  return manifests.filter((text) => JSON.parse(text ?? '{}').annotations?.[RECORD] !== undefined).length;
}

/** What would be the write of a tag, not of a manifest under its digest. */
export function tagWrites(registry: TestRegistry): readonly string[] {
  return registry
    .writes()
    .flatMap(({ method, path }) => (method === 'PUT' ? (/\/manifests\/([^:]+)$/.exec(path)?.[1] ?? []) : []));
}

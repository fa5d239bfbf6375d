import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../src/domain/fields.ts';

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
const ci = fieldsOf(fieldsOf(parse(await read('.github/workflows/ci.yml'))).jobs);
const release = fieldsOf(fieldsOf(parse(await read('.github/workflows/release.yml'))).jobs);

const permissionsOf = (jobs: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, fieldsOf(fieldsOf(job).permissions)]));

describe('ci.yml', () => {
  it('ci-ok requires every other job', () => {
    const { 'ci-ok': last, ...others } = ci;
    expect(fieldsOf(last).needs).toEqual(Object.keys(others));
  });

  it('no job that runs the project’s code holds a permission to write', () => {
    const { codeql, ...others } = permissionsOf(ci);
    expect(codeql).toEqual({ contents: 'read', 'security-events': 'write' });
    expect(Object.values(others).flatMap(Object.values)).not.toContain('write');
  });
});

describe('release.yml', () => {
  it('builds without a permission to write, and writes without running the project’s code', () => {
    expect(permissionsOf(release)).toEqual({
      build: { contents: 'read' },
      attest: { contents: 'read', 'id-token': 'write', attestations: 'write' },
      release: { contents: 'write', attestations: 'read' },
    });
    for (const name of ['attest', 'release']) expect(JSON.stringify(release[name])).not.toMatch(/\bnpm\b|\bnode /);
  });

  it('publishes only from the environment, after the build and its attestation', () => {
    expect(release.release).toMatchObject({ environment: 'release', needs: ['build', 'attest'] });
    expect(release.attest).toMatchObject({ needs: 'build' });
  });

  it('attests dist and the packed release, and releases only what verifies for the commit of the tag', () => {
    const steps = (job: unknown) => JSON.stringify(fieldsOf(job).steps);
    const attested = steps(release.attest);
    for (const path of ['action.yml', 'dist/**', 'registry-action-*.tar']) expect(attested).toContain(path);
    const published = steps(release.release);
    expect(published).toMatch(/gh attestation verify .*--source-digest .*--signer-workflow .*gh release create/);
    const pack = /git archive [^\\]*--format=tar --prefix=[^ ]+/;
    expect(pack.exec(attested)?.[0]).toBe(pack.exec(published)?.[0]);
  });
});

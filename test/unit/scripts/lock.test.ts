import { readFile } from 'node:fs/promises';
import { subset } from 'semver';
import { expect, test } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly engines?: { readonly node?: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
  await readFile(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
);

test('the lock file names the packages of every platform: npm ci refuses one that names only those of this machine', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
});

test('the lock file names no place that packages are downloaded from', () => {
  expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

/**
 * Only run in the bundle, on Node 24 of the runner, and in tests, which bring their own: their older versions support Node 20, and
 * cannot verify what cosign 3.1 signs. npm ci prints a warning for them on an older Node.
 */
const FOR_NODE_24_ONLY =
  /^node_modules\/(?:@sigstore\/(?:bundle|core|tuf|verify)|@tufjs\/models|tuf-js|@gar\/promise-retry)$/;

test('every package supports every Node version that `engines` allows, but for those of signing: npm ci prints no warning', () => {
  const allowed = lock.packages['']?.engines?.node ?? '*';
  const others = Object.entries(lock.packages).filter(([path]) => !FOR_NODE_24_ONLY.test(path));
  const unsupported = others.flatMap(([path, { engines }]) =>
    subset(allowed, engines?.node ?? '*') ? [] : [`${path}: ${engines?.node}`],
  );
  expect(unsupported).toEqual([]);
});

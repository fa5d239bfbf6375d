import { describe, expect, it } from 'vitest';
import { imageIdentity } from '../../../../src/commands/publish/image-identity.ts';
import { type ImageName, parseImageName } from '../../../../src/domain/reference.ts';

const names = (...texts: readonly string[]): readonly ImageName[] =>
  texts.flatMap((text) => {
    const read = parseImageName(text);
    return read.ok ? [read.value] : [];
  });
const BUILD = { context: '.', file: undefined, target: undefined, 'build-args': [], 'build-contexts': [] };

function identity(
  build: Readonly<Record<string, unknown>> = {},
  { workspace = '/work/app', env = {}, isDefaultImage = false } = {},
) {
  const origin = { kind: 'build', build: { ...BUILD, ...build } } as const;
  const naming = { images: names('ghcr.io/org/web', 'org/app'), version: '1.2.3' };
  return imageIdentity({ env, workspace }, { origin, isDefaultImage }, naming);
}

describe('which image a job makes', () => {
  it('is said by names, Dockerfile, target and tag', () => {
    expect(identity({ file: 'Dockerfile.alpine', target: 'final' })).toEqual({
      repositories: ['docker.io/org/app', 'ghcr.io/org/web'],
      context: '.',
      file: 'Dockerfile.alpine',
      target: 'final',
      buildArgs: '',
      version: '1.2.3',
    });
    expect(identity({}, { isDefaultImage: true }).repositories).toEqual([]);
  });

  it('is the same in the folders of two runners', () => {
    const on = (home: string) =>
      identity(
        {
          context: `${home}/work/app/services/web`,
          file: `${home}/temp/Dockerfile`,
          'build-contexts': [{ name: 'docs', value: `${home}/work/app/docs` }],
        },
        { workspace: `${home}/work/app`, env: { RUNNER_TEMP: `${home}/temp` } },
      );
    expect(on('/home/one')).toEqual(on('/home/two'));
    expect(on('/home/one')).toMatchObject({ context: 'services/web', file: 'RUNNER_TEMP/Dockerfile' });
    // A folder whose name only begins the same is another one.
    expect(identity({ context: '/work/app2' }).context).toBe('/work/app2');
  });

  it('contains no credentials', () => {
    expect(JSON.stringify(identity({ context: 'https://me:secret@example.com/app.git' }))).not.toContain('secret');
  });

  it('differs by build arguments, also of the environment, in any order', () => {
    const args = (list: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      identity({ 'build-args': list }, { env }).buildArgs;
    expect(args(['A=1', 'B=2'])).toBe(args(['B=2', 'A=1']));
    expect(args(['PHP=8.2'])).not.toBe(args(['PHP=8.3']));
    expect(args(['PHP'], { PHP: '8.2' })).not.toBe(args(['PHP'], { PHP: '8.3' }));
    expect(args(['PHP=8.2'])).not.toContain('8.2');
  });

  it.each(['ARCH=arm64', 'URL=https://example.com/tool-linux-x86_64.tgz', 'TRIPLE=aarch64-linux-gnu', 'A=armv7'])(
    'does not differ by %s, which names an architecture',
    (arg) => {
      expect(identity({ 'build-args': [arg, 'V=1'] }).buildArgs).toBe(identity({ 'build-args': ['V=1'] }).buildArgs);
    },
  );

  it('of an image from another builder is its path', () => {
    const made = { origin: { kind: 'file', path: '/work/app/out/app.tar' }, isDefaultImage: false } as const;
    expect(imageIdentity({ env: {}, workspace: '/work/app' }, made, { images: [] })).toMatchObject({
      context: 'out/app.tar',
      version: '',
    });
  });
});

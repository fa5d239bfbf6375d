import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from './programs.ts';
import { createPromotionScene, type Place, type PromotionScene } from './promotion.ts';
import { type Address, type Registry, writes } from './registry.ts';
import { asClient, authFor, LOGIN } from './scene.ts';

let scene: PromotionScene;
let api: Address;
let plain: Registry;
let secure: Registry;
beforeAll(async () => {
  scene = await createPromotionScene();
  [plain, secure, api] = await Promise.all([
    scene.registry(),
    scene.registry({ secure: true }),
    scene.referrersRegistry(),
  ]);
  await writeFile(join(scene.directory, 'hello'), 'hello');
  await run('tar', ['-cf', 'layer.tar', 'hello'], { cwd: scene.directory });
});
/** The same small image in a repository of its own. */
async function pushed(repository: string): Promise<{ readonly source: Place; readonly root: string }> {
  const source = scene.place(plain, repository);
  const args = ['append', '--oci-empty-base', '--new_layer', 'layer.tar', '--new_tag', source.at('v1')];
  await run('crane', args, { cwd: scene.directory });
  return { source, root: await source.digest('v1') };
}
afterAll(() => scene[Symbol.asyncDispose]());

it.each([
  ['with', () => api],
  ['without', () => plain],
])(
  'what is attached after a promotion comes with the next one, to a registry %s the referrers API',
  async (name, registry) => {
    const { source, root } = await pushed(`${name}/dev`);
    const target = scene.place(registry(), `${name}/prod`);
    const go = async () => {
      const ran = await scene.promote({ from: source.at('v1'), to: target.image, environment: 'production' });
      expect(ran.exitCode, ran.log).toBe(0);
      return ran.outputs.outcome;
    };
    expect(await go()).toBe('promoted');
    await expect(target.verify(root)).rejects.toThrow('cosign verify');
    const report = await source.attach(root, `{"for":"${target.image}"}`);
    await source.sign(root);
    expect(await go()).toBe('promoted');
    expect((await target.referrers(root)).map(({ digest }) => digest)).toContain(report);
    await target.verify(root);
    expect(await go()).toBe('unchanged');
    // It was one promotion.
    expect(await target.records(root)).toHaveLength(1);
  },
);

it('goes to a registry that asks for a login and has an authority of its own, with all that is attached', async () => {
  const { source, root } = await pushed('secure/dev');
  await source.sign(root);
  await source.attach(await source.attach(root, '{"of":"the image"}'), '{"of":"the report"}');
  const to = `${secure.host}/org/app`;
  const inputs = {
    from: source.at('v1'),
    to,
    environment: 'production',
    'registry-auth': authFor(secure),
    'registry-ca': secure.ca ?? '',
  };
  const ran = await scene.promote(inputs);
  expect(ran.exitCode, ran.log).toBe(0);
  expect(ran.log.replaceAll(/::add-mask::.*/g, '')).not.toContain(LOGIN.password);
  const client = (program: string, ...args: readonly string[]) => asClient(scene, secure, program, args);
  expect((await client('crane', 'digest', `${to}:production`)).trim()).toBe(root);
  const found: unknown = JSON.parse(
    await client('oras', 'discover', '--ca-file', secure.ca ?? '', '--format', 'json', `${to}@${root}`),
  );
  const attached = (await source.referrers(root)).flatMap((each) => [each, ...each.referrers]);
  expect(attached).toHaveLength(3);
  for (const { digest } of attached) expect(JSON.stringify(found)).toContain(digest);
  await secure.mark();
  const again = await scene.promote(inputs);
  expect(again.outputs.outcome, again.log).toBe('unchanged');
  const requests = await secure.requests();
  expect(writes(requests)).toEqual([]);
  expect(requests.length, JSON.stringify(requests)).toBeLessThanOrEqual(6);
});

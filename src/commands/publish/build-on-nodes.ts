import { join } from 'node:path';
import { ActionError, allErrors, throwAll } from '../../errors/action-error.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { joinImages } from '../../run/merge/join.ts';
import { warn } from '../../run/progress.ts';
import type { Log, Runtime } from '../../runtime/runtime.ts';
import { type BuildPlan, type BuildResult, build } from '../../tools/buildx/build.ts';
import type { Builder } from '../../tools/buildx/docker.ts';
import type { PartialResult } from './partial-result.ts';

/** Levels of annotations that are not inside a platform's manifest. */
const OF_INDEX = /^(?:index|manifest-descriptor|index-descriptor)(?:\[[^\]]*\])?:/;

/**
 * Builds each platform on its node, all at the same time, and merges the layouts. One build that spans nodes could only
 * be merged by buildx in a registry, before any scan, and there it would also write the tag `latest`.
 * @throws ActionErrors of all platforms that failed
 */
export async function buildOnNodes(
  runtime: Runtime,
  plan: BuildPlan,
  { name, nodes }: Builder,
  partial: PartialResult,
): Promise<{ readonly image: LocalImage; readonly metadata: Readonly<Record<string, unknown>> }> {
  const { request } = plan;
  const { platforms, annotations, cacheTo } = request;
  runtime.log.info(
    `The builder has ${nodes.length} nodes: ${platforms.join(', ')} are built at the same time, and the build context is sent once for each.`,
  );
  if (cacheTo.length > 0) {
    warn(
      runtime,
      partial,
      '`cache-to`: each platform is a build of its own, and the last one to finish overwrites the cache of the others. Build each platform in a job of its own, with a cache of its own.',
    );
  }
  const own = { ...request, annotations: annotations.filter((line) => !OF_INDEX.test(line)) };
  const builds = await Promise.allSettled(
    platforms.map((platform) => buildOne(runtime, { ...plan, request: { ...own, platforms: [platform] } }, platform)),
  );
  throwAll(builds.flatMap((each) => (each.status === 'rejected' ? allErrors(each.reason) : [])));
  const built = builds.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const parts = await Promise.all(
    built.map(async ({ directory, digest }, at) => ({
      name: `builder ${name}`,
      image: await readLayout(directory, { digest, platforms: platforms.slice(at, at + 1) }),
    })),
  );
  const image = await joinImages(parts, {
    expected: platforms,
    annotations,
    directory: join(runtime.temp, 'joined'),
  });
  const metadata = Object.fromEntries(built.map((each, at) => [platforms[at] ?? '', each.metadata]));
  return { image, metadata: { 'containerimage.digest': image.root.descriptor.digest, platforms: metadata } };
}

/** A build whose lines and errors name its platform. */
async function buildOne(runtime: Runtime, plan: BuildPlan, platform: string): Promise<BuildResult> {
  const log: Log = { ...runtime.log, info: (line) => runtime.log.info(`${platform}: ${line}`) };
  try {
    return await build({ ...runtime, log }, plan);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    const { code, message, facts, cause } = error;
    throw new ActionError(code, `${platform}: ${message}`, { cause, facts: { ...facts, platform } });
  }
}

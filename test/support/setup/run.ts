import type { DesiredRegistry } from '../../../src/domain/setup/desired-state.ts';
import type { Setting } from '../../../src/domain/setup/setting.ts';
import { ActionError } from '../../../src/errors/action-error.ts';
import type { Applied, SetupDefinition } from '../../../src/registries/setup-port.ts';
import type { Host } from '../cloud.ts';
import { createTestClock } from '../runtime.ts';
import { type PlaceFields, vendorPlace } from '../vendor-place.ts';

const READS = new Set(['GET', 'HEAD']);

/**
 * Setup of one vendor against its double.
 * @param reads what besides GET and HEAD only reads, such as a login
 */
export async function setupRun(
  definition: SetupDefinition,
  hosts: Readonly<Record<string, Host>>,
  fields: Omit<PlaceFields, 'repository'>,
  reads: RegExp = /^$/,
) {
  const { place, cloud, runtime } = await vendorPlace(hosts, { ...fields, repository: 'unused' }, createTestClock());
  const writes = () =>
    cloud.requests
      .filter(({ method, url }) => !READS.has(method) && !reads.test(`${method} ${url.pathname}`))
      .map(({ method, url }) => `${method} ${url.pathname}${url.search}`);
  const open = () => definition.open(place);

  /** @param most steps to do, as a run that is killed does */
  const apply = async (desired: DesiredRegistry, most = Number.POSITIVE_INFINITY) => {
    const plan = await open().plan(desired);
    const applied: Applied[] = [];
    const failed: string[] = [];
    for (const step of plan.steps.slice(0, most)) {
      try {
        applied.push(await step.apply());
      } catch (error) {
        if (!(error instanceof ActionError)) throw error;
        failed.push(`${step.id}: ${error.code}: ${error.message}`);
      }
    }
    return { ...plan, applied, failed };
  };
  return { plan: (desired: DesiredRegistry) => open().plan(desired), apply, writes, cloud, runtime, place };
}

/** Settings in a line each: `acme immutable: create → …`. */
export function lines(settings: readonly Setting[]): readonly string[] {
  return settings.map(({ subject, name, action, is, should }) => {
    const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
    const both = [is, should].filter((each) => each !== undefined).map(shown);
    return `${subject} ${name}: ${action}${both.length === 0 ? '' : ` ${both.join(' → ')}`}`.trim();
  });
}

/** Settings that would be written. */
export function due(settings: readonly Setting[]): readonly string[] {
  return lines(settings.filter(({ action }) => action === 'create' || action === 'change' || action === 'remove'));
}

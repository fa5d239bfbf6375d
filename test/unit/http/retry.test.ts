import { describe, expect, it } from 'vitest';

import { ActionError } from '../../../src/errors/action-error.ts';
import { withRetry } from '../../../src/http/retry.ts';
import { parseRetryAfter } from '../../../src/http/retry-after.ts';
import { startRegistry } from '../../support/registry.ts';
import { connect } from '../../support/registry-client.ts';
import { createTestClock } from '../../support/runtime.ts';

const NOW = new Date('2026-01-02T03:04:05Z');

describe('Retry-After', () => {
  it.each([
    ['7', 7],
    ['0', 0],
    [' 12 ', 12],
    ['3600', 3600],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    ['99999999999999', undefined],
    ['Sat, 13 Sep 275760 00:00:00 GMT', undefined],
    ['Fri, 02 Jan 2026 03:04:35 GMT', 30],
    ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
    ['Friday, 02-Jan-26 03:04:35 GMT', 30],
  ])('%s is %s seconds', (header, seconds) => {
    expect(parseRetryAfter(header, NOW)).toBe(seconds);
  });
});

describe('59: a registry that wants to be left alone', () => {
  it.each([
    ['7', 7000, 7000],
    ['Fri, 02 Jan 2026 03:04:35 GMT', 29_000, 30_000],
    ['0', 250, 500],
    ['-5', 250, 500],
    [undefined, 250, 500],
  ])('Retry-After %s is waited for', async (header, least, most) => {
    const headers = header === undefined ? {} : { 'retry-after': header };
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status: 429, headers } }] });
    const { repository, sleeps, lines } = await connect(registry);
    expect(await repository.get('1.0')).toBeUndefined();
    expect(sleeps).toHaveLength(1);
    expect(sleeps[0]).toBeGreaterThanOrEqual(least);
    expect(sleeps[0]).toBeLessThanOrEqual(most);
    expect(lines[0]).toMatch(/429.*Trying again in/);
  });

  it('3600 s are more than there is: it fails at once and names the time', async () => {
    const headers = { 'retry-after': '3600' };
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status: 429, headers } }] });
    const { repository, sleeps } = await connect(registry);
    const failed = repository.get('1.0');
    await expect(failed).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', facts: { retryAfter: 3600 } });
    await expect(failed).rejects.toThrow('before 2026-01-02T04:04:05.000Z');
    expect(sleeps).toEqual([]);
    expect(registry.requests()).toBe(1);
  });

  it('waits come to an end: five tries, or 120 s in all', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { nth: 'all' }, action: { status: 429, headers: { 'retry-after': '50' } } }],
    });
    const { repository, sleeps } = await connect(registry);
    await expect(repository.get('1.0')).rejects.toThrow('Tried 3 times');
    expect(sleeps).toEqual([50_000, 50_000]);
  });

  it('what the system says of a connection is a sentence of its own', async () => {
    const registry = await startRegistry();
    const { repository, lines } = await connect(registry);
    await registry.close();
    await expect(repository.get('1.0')).rejects.toThrow(/\S\. Tried 5 times\.$/);
    expect(lines[0]).toMatch(/\S\. Trying again in/);
  });

  it('61: the pull limit of Docker Hub is another matter than too many requests', async () => {
    const message = 'You have reached your pull rate limit. You may increase the limit by authenticating and upgrading';
    const body = { errors: [{ code: 'TOOMANYREQUESTS', message }] };
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status: 429, body } }] });
    const { repository } = await connect(registry);
    await expect(repository.get('1.0')).rejects.toMatchObject({ code: 'PULL_LIMIT' });
  });
});

describe('60: what is tried again', () => {
  it.each([408, 500, 502, 503, 504, 522])('%i', async (status) => {
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status } }] });
    const { repository, sleeps } = await connect(registry);
    expect(await repository.get('1.0')).toBeUndefined();
    expect(sleeps).toHaveLength(1);
  });

  it.each([400, 403, 405, 409, 418, 451, 501])('not %i', async (status) => {
    await using registry = await startRegistry({ faults: [{ match: { nth: 'all' }, action: { status } }] });
    const { repository, sleeps } = await connect(registry);
    await expect(repository.get('1.0')).rejects.toMatchObject({ facts: { status } });
    expect(sleeps).toEqual([]);
    expect(registry.requests()).toBe(1);
  });

  it('a cancelled run does not wait', async () => {
    await using registry = await startRegistry({ faults: [{ match: { nth: 'all' }, action: { status: 503 } }] });
    const controller = new AbortController();
    const { repository } = await connect(registry, {
      signal: controller.signal,
      clock: {
        now: () => NOW,
        sleep: async (_, signal) => {
          controller.abort(new Error('cancelled'));
          signal?.throwIfAborted();
        },
      },
    });
    await expect(repository.get('1.0')).rejects.toThrow('cancelled');
    expect(registry.requests()).toBe(1);
  });
});

describe('68: what a registry says besides', () => {
  it('a warning is shown once, bounded; other warnings are not ours', async () => {
    await using registry = await startRegistry();
    const warn = (warning: string) => ({ headers: { warning } });
    registry.addFault({ match: { nth: 'all' }, action: warn(`299 - "${'this registry is going away '.repeat(100)}"`) });
    const { repository, lines } = await connect(registry);
    await repository.get('1.0');
    await repository.get('2.0');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('going away');
    expect(lines[0]?.length).toBeLessThan(600);
  });

  it('an error page is one line, bounded, without tags and control characters', async () => {
    const page = `<html><style>b{}</style><script>x()</script><h1>Oh\u001b[31m no</h1>\n::error::x${'y'.repeat(5000)}</html>`;
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status: 418, body: page } }] });
    const { repository } = await connect(registry);
    const error = await repository.get('1.0').catch(String);
    expect(error).toContain('Oh [31m no ::error::x');
    for (const part of ['\n', '\u001b', '<h1>', 'x()']) expect(error).not.toContain(part);
    expect(String(error).length).toBeLessThan(800);
  });
});

describe('a server that stays silent', () => {
  it.each([
    [15, 5],
    [60, 2],
    [300, 2],
  ])('after %i s without an answer each, %i tries are enough', async (seconds, expected) => {
    const clock = createTestClock();
    let tries = 0;
    const silent = async () => {
      tries++;
      await clock.sleep(seconds * 1000);
      const cause = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
      throw new ActionError('REGISTRY_UNREACHABLE', 'No answer.', { cause });
    };
    const log = { info: () => undefined };
    const { signal } = new AbortController();
    await expect(withRetry(silent, { clock, signal, log })).rejects.toThrow(`Tried ${expected} times.`);
    expect(tries).toBe(expected);
  });
});

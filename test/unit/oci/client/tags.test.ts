import { describe, expect, it } from 'vitest';
import { startRegistry } from '../../../support/registry.ts';
import { connect, manifestOf } from '../../../support/registry-client.ts';

const { bytes, descriptor } = manifestOf();

async function tagged(count: number, ...[options]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  const tags = Array.from({ length: count }, (_, at) => `v${String(at).padStart(5, '0')}`);
  for (const tag of tags) registry.putManifest('org/app', tag, descriptor.mediaType, bytes);
  return { registry, tags, ...(await connect(registry)) };
}

const LINK = { header: 'link', from: /^<.*>/ } as const;

describe('listing tags', () => {
  it('asks for pages of 1000 and follows relative links to the end', async () => {
    const { registry, tags, repository } = await tagged(2500);
    await using _ = registry;
    expect(await repository.listTags()).toEqual(tags);
    expect(registry.log.map(({ query }) => query)).toEqual(['?n=1000', '?last=v00999&n=1000', '?last=v01999&n=1000']);
  });

  it('follows pages that are smaller than asked for', async () => {
    const { registry, tags, repository } = await tagged(7, { pageSize: 2 });
    await using _ = registry;
    expect(await repository.listTags()).toEqual(tags);
    expect(registry.requests()).toBe(4);
  });

  it('51: follows an absolute link, and one with other parameters around it', async () => {
    const { registry, tags, repository } = await tagged(4, { pageSize: 2 });
    await using _ = registry;
    const to = `<http://${registry.host}/v2/org/app/tags/list?last=v00001&n=2>; title="x"`;
    registry.addFault({ match: {}, action: { rewrite: { ...LINK, to } } });
    expect(await repository.listTags()).toEqual(tags);
  });

  it('a repository that is not there has none, as has one whose tags are null', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    expect(await repository.listTags()).toEqual([]);
    registry.addFault({ match: {}, action: { status: 200, body: { name: 'org/app', tags: null } } });
    expect(await repository.listTags()).toEqual([]);
  });

  it('51: pages that lead in a circle are refused', async () => {
    const { registry, repository } = await tagged(9, { pageSize: 2 });
    await using _ = registry;
    const to = '</v2/org/app/tags/list?n=1000>';
    registry.addFault({ match: { nth: 3 }, action: { rewrite: { ...LINK, to } } });
    await expect(repository.listTags()).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    expect(registry.requests()).toBe(3);
  });

  it('a later page that is not there is an error, and hides no tags', async () => {
    const { registry, repository } = await tagged(5, { pageSize: 2 });
    await using _ = registry;
    registry.addFault({ match: { nth: 2 }, action: { status: 404 } });
    await expect(repository.listTags()).rejects.toMatchObject({ facts: { status: 404 } });
  });

  it('empty pages that go on and on are refused', async () => {
    let page = 0;
    const headers = {
      get link() {
        page++;
        return `</v2/org/app/tags/list?page=${page}>; rel="next"`;
      },
    };
    const action = { status: 200, body: { tags: [] }, headers };
    await using registry = await startRegistry({ faults: [{ match: { nth: 'all' }, action }] });
    const { repository } = await connect(registry);
    await expect(repository.listTags()).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    expect(registry.requests()).toBeLessThan(3000);
  });

  it.each([
    ['<http://example.com/v2/x/tags/list>', 'REDIRECT_REFUSED'],
    ['<//example.com/x>', 'REDIRECT_REFUSED'],
    ['<http://[>', 'ANSWER_INVALID'],
  ])('a next page at %s is refused', async (to, code) => {
    const { registry, repository } = await tagged(9, { pageSize: 2 });
    await using _ = registry;
    registry.addFault({ match: {}, action: { rewrite: { ...LINK, to } } });
    await expect(repository.listTags()).rejects.toMatchObject({ code });
    expect(registry.requests()).toBe(1);
  });

  it('a registry behind a proxy that names its own address is read at the one that was asked', async () => {
    const { registry, repository } = await tagged(5, { pageSize: 2 });
    await using _ = registry;
    const to = '<https://inside.example.com:5000/v2';
    registry.addFault({ match: { nth: 'all' }, action: { rewrite: { header: 'link', from: /<\/v2/, to } } });
    expect(await repository.listTags()).toHaveLength(5);
    expect(registry.requests()).toBe(3);
  });

  it.each(['<html>', '[]', '{}', '{"tags":"latest"}'])('an answer of %s is refused', async (body) => {
    await using registry = await startRegistry({ faults: [{ match: {}, action: { status: 200, body } }] });
    const { repository } = await connect(registry);
    await expect(repository.listTags()).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fill } from '../../support/copy-source.ts';
import { type RegistryOptions, startRegistry } from '../../support/registry.ts';
import { answersOf, type ServerAnswer, type ServerAnswers } from '../../support/server-answers.ts';
import { giteaDouble } from '../../support/vendors/gitea.ts';

const RECORDED: Readonly<Record<string, ServerAnswers>> = JSON.parse(
  readFileSync(new URL('../../fixtures/server-answers.json', import.meta.url), 'utf8'),
);
const owner = { username: 'owner', password: 'password-of-owner' };
const reader = { username: 'reader', password: 'password-of-reader' };
const NOTHING_CHECKED = 'it takes every manifest';

/** How a double imitates a server, and where it does not. */
interface Imitation {
  readonly options: (origin: () => string) => RegistryOptions;
  readonly owner?: typeof owner;
  /** May pull only. */
  readonly reader?: typeof reader;
  /** What the double does not do, and why that is of no matter. */
  readonly except?: Readonly<Record<string, string>>;
}

const users = { owner: { ...owner, may: 'write' }, reader: { ...reader, may: 'read' } } as const;
const IMITATIONS: Readonly<Record<string, Imitation>> = {
  'docker-registry 2.8.3': { options: () => ({ auth: { basic: owner } }), owner },
  'distribution 3.1.2': {
    options: () => ({ auth: { bearer: { ...owner, readers: [reader] } }, deletes: 'digests and tags' }),
    owner,
    reader,
  },
  'go-containerregistry': {
    options: () => ({ referrers: true, deletes: 'digests and tags' }),
    except: {
      'missing repository': 'tests of a missing repository go by docker-registry',
      'upload cancelled': 'it knows no cancellation',
      'manifest without its blobs': NOTHING_CHECKED,
    },
  },
  'Gitea 1.26.0': {
    options: (origin) => ({ ...giteaDouble({ users, owners: ['team'], origin }), deletes: 'digests and tags' }),
    owner,
    reader,
    except: { 'manifest without its blobs': 'the action never sends a manifest before its blobs' },
  },
};

/** What of an answer decides what a client does. */
function essence({ status, headers, body }: ServerAnswer) {
  const challenge = headers['www-authenticate'];
  return {
    status,
    code: /"code":"([A-Z_]+)"/.exec(body)?.[1] ?? 'none',
    scope: challenge === undefined ? undefined : /scope="([^"]*)"/.exec(challenge)?.[1],
    schemes: challenge?.match(/\b(?:Basic|Bearer)(?= )/g)?.join(),
    error: challenge === undefined ? undefined : /error="([^"]*)"/.exec(challenge)?.[1],
    digest: headers['docker-content-digest'],
    isJson: body.trimStart().startsWith('{'),
    upload: headers.location?.includes('/uploads/') ?? false,
  };
}

describe.each(Object.entries(IMITATIONS))('the double of %s answers as the server did', (name, imitation) => {
  const recorded = RECORDED[name] ?? {};

  test.each(Object.keys(recorded).filter((about) => imitation.except?.[about] === undefined))('%s', async (about) => {
    let host = '';
    await using registry = await startRegistry(imitation.options(() => `http://${host}`));
    host = registry.host;
    fill(registry, 'team/app').image(['1'], {}, 'main');
    const answers = await answersOf({ host, owner: imitation.owner, reader: imitation.reader });
    const [real, double] = [recorded[about], answers[about]];
    if (real === undefined || double === undefined) throw new Error(`There is no answer about: ${about}`);
    expect(essence(double)).toEqual(essence(real));
  });
});

test('every server whose answers were recorded has a double, or says why not', () => {
  // No test imitates Pulp: what is its own (slow tags, no referrers API) is covered by faults and by docker-registry.
  const without = ['Pulp container 2.30.0'];
  expect(Object.keys(RECORDED).toSorted()).toEqual([...Object.keys(IMITATIONS), ...without].toSorted());
});

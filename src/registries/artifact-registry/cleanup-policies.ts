import { type Fields, fieldsOf, isFields } from '../../domain/fields.ts';
import { isSame } from '../../domain/retention/native/dialect.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import type { RetentionRules } from '../vendor.ts';
import { HOST } from './inventory.ts';

/** One repository of Artifact Registry, which has images of several names. */
interface PolicyHome {
  /** `us-docker.pkg.dev/project/repository`. */
  readonly scope: string;
  readonly image: string;
  /** `projects/p/locations/l/repositories/r`. */
  readonly home: string;
  readonly facts: ErrorFacts;
  readonly ask: (
    path: string,
    request: Pick<ApiRequest, 'method' | 'expect' | 'operation' | 'what' | 'json'>,
  ) => Promise<ApiAnswer>;
}

/**
 * The cleanup policies of a repository. Google previews them in audit logs only; but with `cleanupPolicyDryRun` they have no
 * effect, so that they are checked by Google and compared before they take effect.
 * https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy
 */
export function cleanupPolicies({ scope, image, home, facts, ask }: PolicyHome): RetentionRules {
  const what = `the cleanup policies of ${scope}`;
  const describe = async (): Promise<Fields> =>
    fieldsOf((await ask(home, { method: 'GET', expect: [200], operation: 'read', what })).json);
  const patch = async (fields: Fields): Promise<Fields> => {
    const mask = Object.keys(fields).join(',');
    const answer = await ask(`${home}?updateMask=${encodeURIComponent(mask)}`, {
      method: 'PATCH',
      json: fields,
      expect: [200],
      operation: 'write',
      what: `setting ${what}`,
    });
    return fieldsOf(answer.json);
  };
  return {
    scope,
    name: image,
    read: async () => policiesIn(await describe()),
    names: async () => {
      const names: string[] = [];
      for (let page = ''; ; ) {
        const query = `?pageSize=1000${page === '' ? '' : `&pageToken=${encodeURIComponent(page)}`}`;
        const { json } = await ask(`${home}/packages${query}`, {
          method: 'GET',
          expect: [200],
          operation: 'read',
          what: `the images of ${scope}`,
        });
        const { packages = [], nextPageToken = '' } = fieldsOf(json);
        if (!Array.isArray(packages) || typeof nextPageToken !== 'string')
          throw unexpected(HOST, `the images of ${scope}`, facts);
        names.push(...packages.map((each) => nameOf(fieldsOf(each).name)));
        if (nextPageToken === '') return names;
        if (nextPageToken === page) throw unexpected(HOST, `the images of ${scope} (the pages do not end)`, facts);
        page = nextPageToken;
      }
    },
    install: async (document, live) => {
      const { cleanupPolicies: policies = {}, cleanupPolicyDryRun: isDry = false } = fieldsOf(document);
      // What others have in effect is not to be without effect for long: the second request follows at once.
      const set = await patch({ cleanupPolicies: policies, cleanupPolicyDryRun: true });
      if (!isSame(fieldsOf(set.cleanupPolicies), policies)) {
        const { cleanupPolicies: before = {}, cleanupPolicyDryRun: wasDry = false } = fieldsOf(live);
        await patch({ cleanupPolicies: before, cleanupPolicyDryRun: wasDry });
        throw new ActionError(
          'CLEANUP_STOPPED',
          `Google stored other cleanup policies of ${scope} than it was given, so they are as they were before.`,
          { facts },
        );
      }
      if (isDry !== true) await patch({ cleanupPolicyDryRun: false });
    },
  };
}

/** Null for no policies. */
function policiesIn({ cleanupPolicies, cleanupPolicyDryRun }: Fields): unknown {
  if (!isFields(cleanupPolicies) || Object.keys(cleanupPolicies).length === 0) return null;
  return { cleanupPolicies, cleanupPolicyDryRun: cleanupPolicyDryRun === true };
}

/** `team/app` of `projects/p/locations/l/repositories/r/packages/team%2Fapp`. */
function nameOf(name: unknown): string {
  return decodeURIComponent(String(name).split('/packages/')[1] ?? '');
}

import { Readable } from 'node:stream';
import type { ECR } from '@aws-sdk/client-ecr';
import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { ReplicationRule } from '../../../domain/setup/ecr/live.ts';
import type { ReplicationRuleInput } from '../../../domain/setup/ecr/request.ts';

const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The replication of a registry, from the answer itself: the SDK drops `deleteReplication`, which AWS added later, and a rule that is
 * written back without it would stop deleting. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ReplicationRule.html
 */
export async function describeReplication(client: ECR): Promise<readonly ReplicationRule[]> {
  let text = '';
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { body } = fieldsOf(result.response);
      if (body instanceof Readable && typeof result.response === 'object' && result.response !== null) {
        const chunks: Buffer[] = [];
        let length = 0;
        for await (const chunk of body) {
          const bytes = Buffer.from(chunk);
          length += bytes.length;
          if (length > MAX_BYTES) throw new Error(`The answer has more than ${MAX_BYTES} bytes.`);
          chunks.push(bytes);
        }
        text = Buffer.concat(chunks).toString('utf8');
        Reflect.set(result.response, 'body', Readable.from([text]));
      }
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'keepAnswer' },
  );
  await client.describeRegistry({});
  const { replicationConfiguration } = fieldsOf(JSON.parse(text));
  const { rules } = fieldsOf(replicationConfiguration);
  return list(rules).map((rule) => ({
    destinations: list(rule.destinations).map(({ region, registryId }) => ({
      region: String(region),
      registryId: String(registryId),
    })),
    filters: list(rule.repositoryFilters).map(({ filter }) => String(filter)),
    deletes: deletesOf(rule),
  }));
}

/** Sends the rules as they are, with what the SDK does not know. */
export async function putReplication(client: ECR, rules: readonly ReplicationRuleInput[]): Promise<void> {
  const body = JSON.stringify({ replicationConfiguration: { rules } });
  client.middlewareStack.add(
    (next) => (args) => {
      if (typeof args.request === 'object' && args.request !== null) Reflect.set(args.request, 'body', body);
      return next(args);
    },
    { step: 'serialize', priority: 'low', name: 'sendRules' },
  );
  await client.putReplicationConfiguration({ replicationConfiguration: { rules: [] } });
}

function deletesOf({ deleteReplication }: Fields): boolean | undefined {
  const { enabled } = fieldsOf(deleteReplication);
  return typeof enabled === 'boolean' ? enabled : undefined;
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import type { Reading } from '../../../domain/setup/compare.ts';
import type { SetupContext } from '../../setup-port.ts';
import { identityFor } from '../ecr-answers.ts';
import { ambientIdentity, roleIdentity } from '../identity.ts';
import { clientOptions, sdkError } from '../sdk.ts';
import { readable } from './ask-ecr.ts';

/** The ARN of each key that is named by an alias. Loaded only where a file does that: a client of its own for one request. */
export async function readKeys(
  context: SetupContext,
  region: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Reading<string>>> {
  const identity = identityFor({ host: context.host }, roleIdentity(context, region) ?? ambientIdentity(context));
  const client = new KMSClient(clientOptions(context, 'KMS', region, identity.credentials));
  try {
    const found = new Map<string, Reading<string>>();
    for (const name of names)
      found.set(name, await readable('kms:DescribeKey', () => describeKey(client, context, name)));
    return found;
  } finally {
    client.destroy();
  }
}

async function describeKey(client: KMSClient, { host }: SetupContext, name: string): Promise<string> {
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: name }));
    return KeyMetadata?.Arn ?? name;
  } catch (error) {
    throw sdkError(error, host, 'read', `DescribeKey for ${name}`, { registry: host });
  }
}

import type { ECR } from '@aws-sdk/client-ecr';
import type { Reading } from '../../../domain/setup/compare.ts';
import { ActionError } from '../../../errors/action-error.ts';
import type { SetupContext } from '../../setup-port.ts';
import { identityFor } from '../ecr-answers.ts';
import { type Ask, asking } from '../ecr-api.ts';
import { ambientIdentity, roleIdentity } from '../identity.ts';
import { clientOptions, readSdkError } from '../sdk.ts';
import type { Identity } from '../sdk-credentials.ts';

export type AskEcr = Ask<ECR>;

/** Requests to one registry of Amazon ECR. */
export function askEcr(context: SetupContext, region: string): AskEcr {
  let identity: Identity | undefined;
  return asking(context, async () => {
    identity ??= identityFor({ host: context.host }, roleIdentity(context, region) ?? ambientIdentity(context));
    const { ECR } = await import('../sdk-clients.ts');
    return new ECR(clientOptions(context, 'ECR', region, identity.credentials));
  });
}

/** What a request returns; undefined when AWS says that there is none. */
export async function unless<T>(absent: string, request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (readSdkError(error).name === absent) return undefined;
    throw error;
  }
}

/** A missing permission hides one setting only. Every other error ends the run. */
export async function readable<T>(permission: string, request: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await request() };
  } catch (error) {
    if (!(error instanceof ActionError) || error.code !== 'DENIED') throw error;
    return { ok: false, reason: `It may not be read: grant \`${permission}\`. ${error.message}` };
  }
}

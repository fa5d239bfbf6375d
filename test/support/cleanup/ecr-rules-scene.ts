import type { CloudReply, CloudRequest } from '../cloud.ts';
import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { type AwsImage, type AwsRepository, awsDouble } from '../vendors/aws.ts';
import { SUBJECT } from '../vendors/oidc.ts';
import { vendorScene } from './scene.ts';
import { digestsIn, missing, tagsIn } from './vendor-api.ts';

const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const API = 'api.ecr.eu-west-1.amazonaws.com';
const NAME = 'team/app';

export interface EcrRulesOptions {
  readonly expires?: (image: AwsImage) => boolean;
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

/** A repository of Amazon ECR with a lifecycle policy of its own, for the built action. */
export async function ecrRulesScene({ expires, before }: EcrRulesOptions = {}) {
  let repository: AwsRepository | undefined;
  let asked: readonly string[] = [];
  const scene = await vendorScene({
    id: 'ecr',
    host: HOST,
    repository: NAME,
    inputs: {},
    start: async (now) => {
      const double = awsDouble({
        region: 'eu-west-1',
        role: 'arn:aws:iam::123456789012:role/publish',
        subject: SUBJECT,
        now,
        repositories: [NAME],
        ...(expires === undefined ? {} : { expires }),
        ...(before === undefined ? {} : { before }),
      });
      repository = double.state.repositories.get(NAME);
      asked = double.state.asked;
      const images = repository?.images ?? [];
      const api = checked(double.hosts[API] ?? missing, await readContract('ecr'));
      return {
        api,
        hosts: { [API]: api },
        fields: {},
        load: (stored) =>
          void images.splice(
            0,
            images.length,
            ...stored.map(({ bytes: size, tags, ...image }) => ({ ...image, size, tags: [...tags] })),
          ),
        left: () => ({ tags: tagsIn(images), digests: digestsIn(images) }),
      };
    },
  });
  if (repository === undefined) throw new Error('no repository');
  const held = repository;
  return {
    ...scene,
    image: `${HOST}/${NAME}`,
    repository: held,
    /** Operations that were asked for, in order. */
    asked: () => asked,
    lifecycle: (): unknown => (held.lifecyclePolicy === undefined ? undefined : JSON.parse(held.lifecyclePolicy)),
    env: {
      ...scene.cloud.env,
      AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-west-1',
    },
  };
}

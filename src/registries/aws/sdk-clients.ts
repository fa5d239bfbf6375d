/** The AWS SDK as one chunk, loaded only by runs that use AWS: it is a third of the action. */
export { ECR } from '@aws-sdk/client-ecr';
export { ECRPUBLIC } from '@aws-sdk/client-ecr-public';
export { STS } from '@aws-sdk/client-sts';
export { defaultProvider } from '@aws-sdk/credential-provider-node';

/** What of the AWS SDK is used, in one piece that is loaded only by a run that meets AWS: it is a third of the action. */
export { ECR } from '@aws-sdk/client-ecr';
export { ECRPUBLIC } from '@aws-sdk/client-ecr-public';
export { STS } from '@aws-sdk/client-sts';
export { defaultProvider } from '@aws-sdk/credential-provider-node';

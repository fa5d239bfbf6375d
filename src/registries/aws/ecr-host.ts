/** An ECR registry, parsed from its host name. */
export interface EcrHost {
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
}

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html, with FIPS, dual-stack, China and European Sovereign Cloud hosts. */
export const ECR_HOSTS: readonly RegExp[] = [
  /^(?<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?<region>[a-z]{2,4}(?:-[a-z]+)+-\d)\.amazonaws\.(?:com(?:\.cn)?|eu)$/,
  /^(?<account>\d{12})\.dkr-ecr(?:-fips)?\.(?<region>[a-z]{2,4}(?:-[a-z]+)+-\d)\.on\.(?:aws|amazonwebservices\.com\.cn)$/,
];

/** Account and region of a host; undefined when it is not an ECR host. */
export function readEcrHost(host: string): EcrHost | undefined {
  for (const pattern of ECR_HOSTS) {
    const { account, region } = pattern.exec(host)?.groups ?? {};
    if (account !== undefined && region !== undefined) return { account, region };
  }
  return undefined;
}

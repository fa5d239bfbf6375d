/** Words that belong to one kind of registry: a text for another kind must not have them. By the id of the vendor. */
const VENDOR_WORDS: Readonly<Record<string, RegExp>> = {
  'docker-hub': /Docker Hub|Docker ID|Docker Home|dockerhub-|docker\.io/,
  ghcr: /GHCR|ghcr\.io|packages: (?:write|read)|Manage Actions access|GITHUB_TOKEN/,
  // ECR Public is described in the words of AWS.
  ecr: /\becr:|dkr\.ecr|IMMUTABLE_WITH_EXCLUSION|role-to-assume|aws-actions/,
  'ecr-public': /ecr-public|public\.ecr\.aws/,
  'artifact-registry': /artifactregistry|Artifact Registry|gcloud|workload-identity-provider|pkg\.dev|_json_key/,
  acr: /AcrP|\baz acr|azure|Azure|azurecr/,
  harbor: /Harbor|robot account|robot\$/,
  nexus: /Nexus|nx-repository/,
  artifactory: /Artifactory|jfrog|Deploy\/Cache/,
};

/** What both kinds of ECR share. */
const SHARED: Readonly<Record<string, RegExp>> = { 'ecr-public': /role-to-assume|aws-actions/g };

/** Where the database is published, whatever the registry of the image. */
const TRIVY_DATABASE = 'ghcr.io/aquasecurity/trivy-db';

/** The words of other vendors in a text for one of them; undefined is for a text about no particular registry. */
export function foreignWords(text: string, vendor: string | undefined): readonly string[] {
  const shared = vendor === undefined ? undefined : SHARED[vendor];
  const own = text.replaceAll(shared ?? /(?!)/g, '').replaceAll(TRIVY_DATABASE, '');
  return Object.entries(VENDOR_WORDS).flatMap(([id, words]) => (id === vendor ? [] : (words.exec(own)?.[0] ?? [])));
}

/** Phrases that no text for users has: they are not words of the field. */
const BANNED: readonly RegExp[] = [
  /\banew\b/i,
  /\bmeanwhile\b/i,
  /(?<!\bsomething |\bsomebody |\bnothing |\bor )\belse\b/i,
  /\bin vain\b/i,
  /\bnobody\b(?! uses)/i,
  /\bwhoever\b/i,
  /\bthere already\b/i,
  /\b(?:is|are) not there\b/i,
  /\bis there\b(?! a| an)/i,
  /\bcame to be\b/i,
  /\bbrought here\b/i,
  /\bnot well\b/i,
  /could not be had/i,
  /\b(?:is|are) closed\b/i,
  /\bgate (?:is|stays) (?:closed|open)/i,
  /\bverdict\b(?!`|-|:)/i,
  /\blies\b|\bstands (?:for|in)\b/i,
  /\bholds (?:nothing|it|what)\b/i,
  /\bspoken to\b|\bis asked without\b/i,
  /\b(?:says|tells|knows|hears) (?:that|nothing|of|no)\b/i,
  /\bran out on the way\b/i,
  /\bcannot be used for now\b/i,
];

/** The banned phrases in a text, for messages of tests. */
export function bannedPhrases(text: string): readonly string[] {
  return BANNED.flatMap((phrase) => phrase.exec(text)?.[0] ?? []);
}

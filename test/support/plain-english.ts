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
  // A workflow expression and jq have an `else` of their own.
  /(?<!\bsomething |\beverything |\bsomebody |\bsomeone |\bnothing |\banything |\bor |\]" )\belse\b(?! empty\b| if\b)/i,
  /\bin vain\b/i,
  /\b(?:torn|tears?|tells?|tell them) apart\b|(?<!(?:keep|set|set them) [\w ]{0,20})\bapart\b/i,
  /\bnobody\b(?! uses)|\bwhoever\b/i,
  /\bthere already\b/i,
  /\b(?:is|are|was|were) (?:not )?there\b(?! a\b| an\b| no\b)/i,
  /\bcame? to be\b|\bcame to (?!a stop|an end)\w+/i,
  /\bbrought (?:here|it|them)\b|\bbrings? (?:it|them) back\b/i,
  /\bnot well\b|could not be had/i,
  /(?<!requests? that )\b(?:is|are) closed\b|\bgate (?:is|stays) (?:closed|open)/i,
  /\bverdicts?\b(?!`|-|:)/i,
  /\bhouse\b|\brooms?\b|\bjourneys?\b/i,
  // Of an environment. A Dockerfile has stages, and the changelog names the old inputs in backticks.
  /^(?![\s\S]*(?:Dockerfile|FROM |[Ss]tages? to build\b))[\s\S]*?(?<!`)\bstages?\b(?!`)/,
  /\blies\b|\blaid\b|\bstands?\b|\bstood\b/i,
  /\bholds? (?:nothing|it|what|no|the|an?|this|sha256|images?|another)\b|\b(?<!`)(?:holds|held)\b(?!`|[- ]back\b| until\b| for \d)/i,
  /\b(?:go|goes|went|going) on\b|\b(?:take|takes|took|taken|taking) (?:it |them |`[^`]*` (?:or `[^`]*` )?)?back\b/i,
  /\bran out on the way\b|\bcannot be used for now\b|\bwhich is to come\b|\blets? (?:\w+ )?in\b|\bis let\b|\bare let\b/i,
  // Machines report, return, support and read. People may ask somebody.
  /(?<!")\b(?:says|said|tells|told|hears?|heard|speaks?|spoken|knows)\b/i,
  /\b(?:asks|asked)\b/i,
  /\b(?:not|cannot|do|does|and|that|records) (?:say|tell|know)\b|\bsay (?:so|that|what|which|why)\b|\btells? whether\b/i,
];

/** The banned phrases in a text, for messages of tests. */
export function bannedPhrases(text: string): readonly string[] {
  return BANNED.flatMap((phrase) => phrase.exec(text)?.[0] ?? []);
}

import { stringify } from 'yaml';
import { ENCODED_PRIVATE_KEYS, ENCODED_TOKENS, type EncodedForm } from './encoded-secrets.ts';
import type { ReportFinding } from './report.ts';

/** A kind of credential without a built-in Trivy rule, in syntax that both Go and JavaScript accept. */
interface SecretRule {
  readonly id: string;
  readonly title: string;
  /** Path pattern of the file, from the root of the image. Absent: any. */
  readonly path?: string;
  /** The report hides the group `secret`, or the whole match. */
  readonly regex: string;
  /** Files are only searched if they contain one of these, in any case. */
  readonly keywords: readonly string[];
}

const SECRET = (characters: string) => `(?P<secret>${characters})`;

/** Tokens that steps of a job leave in the workspace, and login files of tools. All are HIGH. */
const SECRET_RULES: readonly SecretRule[] = [
  {
    // actions/checkout with persist-credentials: in .git/config, since v6 in a file of its own.
    id: 'git-extraheader',
    title: 'Token in a git configuration (actions/checkout keeps it there)',
    regex: `(?i)extraheader\\s*=\\s*"?authorization:\\s*(?:basic|bearer|token)\\s+${SECRET('[a-z0-9+/=._~-]{8,}')}`,
    keywords: ['extraheader'],
  },
  {
    id: 'git-url-credentials',
    title: 'Credentials in the address of a git remote',
    path: '(?:^|/)(?:\\.git-credentials|\\.gitconfig|\\.gitmodules|\\.git/.*config(?:\\.worktree)?|config/git/credentials)$',
    regex: `(?i)https?://(?:[^\\s/:@]*:)?${SECRET('[^\\s/:@]{8,}')}@`,
    keywords: ['://'],
  },
  {
    id: 'google-credentials',
    title: 'Google credentials (google-github-actions/auth writes them to the workspace)',
    path: '(?:gha-creds-[0-9a-f]+|application_default_credentials)\\.json$',
    regex: `"type"\\s*:\\s*"${SECRET('(?:external_account|service_account|authorized_user|impersonated_service_account)[a-z_]*')}"`,
    keywords: ['"type"'],
  },
  {
    id: 'docker-config-auth',
    title: "Login in docker's configuration",
    path: '(?:^|/)(?:\\.docker/config\\.json|\\.dockercfg|\\.dockerconfigjson|containers/auth\\.json)$',
    regex: `"(?:auth|identitytoken|registrytoken|password)"\\s*:\\s*"${SECRET('[^"\\s$]{4,}')}"`,
    keywords: ['auth', 'token', 'password'],
  },
  {
    id: 'npmrc-auth',
    title: 'Token in .npmrc',
    path: '(?:^|/)\\.?npmrc$',
    regex: `(?i)_(?:authToken|auth|password)\\s*=\\s*"?${SECRET('[^\\s"$]{8,}')}`,
    keywords: ['_auth', '_password'],
  },
  {
    id: 'yarnrc-auth',
    title: 'Token in .yarnrc.yml',
    path: '(?:^|/)\\.yarnrc\\.yml$',
    regex: `(?i)npmAuth(?:Token|Ident)\\s*:\\s*["']?${SECRET('[^\\s"\'$]{8,}')}`,
    keywords: ['npmauth'],
  },
  {
    id: 'netrc-password',
    title: 'Password in .netrc',
    path: '(?:^|/)[._]netrc$',
    regex: `(?i)\\bpassword\\s+${SECRET('[^\\s$]{4,}')}`,
    keywords: ['password'],
  },
  {
    id: 'pypirc-password',
    title: 'Password in .pypirc',
    path: '(?:^|/)\\.pypirc$',
    regex: `(?i)\\bpassword\\s*[=:]\\s*${SECRET('[^\\s$%]{4,}')}`,
    keywords: ['password'],
  },
  {
    id: 'pip-index-credentials',
    title: "Credentials in the address of pip's index",
    path: '(?:^|/)pip\\.(?:conf|ini)$',
    regex: `(?i)https?://[^\\s/:@$]*:${SECRET('[^\\s/:@$]{4,}')}@`,
    keywords: ['://'],
  },
  {
    id: 'cargo-token',
    title: "Token in cargo's credentials",
    path: '(?:^|/)\\.?cargo/credentials(?:\\.toml)?$',
    regex: `(?i)\\b(?:secret-)?(?:token|key)\\s*=\\s*"${SECRET('[^"\\s$]{8,}')}"`,
    keywords: ['token', 'key'],
  },
  {
    id: 'kubeconfig-credentials',
    title: 'Credentials in a kubeconfig',
    path: '(?:^|/)\\.kube/config$',
    regex: `(?i)\\b(?:client-key-data|token|password|id-token|refresh-token):\\s*["']?${SECRET('[^\\s"\']{8,}')}`,
    keywords: ['client-key-data', 'token', 'password'],
  },
  {
    id: 'composer-auth',
    title: "Login in Composer's auth.json",
    path: '(?:^|/)auth\\.json$',
    regex: `"(?:github-oauth|gitlab-oauth|gitlab-token|bitbucket-oauth|http-basic|bearer)"\\s*:\\s*\\{\\s*"[^"]+"\\s*:\\s*(?:\\{[^}]*"(?:password|token|consumer-secret)"\\s*:\\s*)?"${SECRET('[^"\\s$]{4,}')}"`,
    keywords: ['oauth', 'gitlab-token', 'http-basic', 'bearer'],
  },
  {
    id: 'terraform-token',
    title: "Token in Terraform's configuration",
    path: '(?:^|/)(?:credentials\\.tfrc\\.json|\\.terraformrc)$',
    regex: `(?i)"?token"?\\s*[:=]\\s*"${SECRET('[^"\\s$]{8,}')}"`,
    keywords: ['token'],
  },
  {
    id: 'vault-token',
    title: 'Token of HashiCorp Vault',
    path: '(?:^|/)\\.vault-token$',
    regex: `(?i)${SECRET('(?:hv[sbr]\\.|[sbr]\\.)[a-z0-9_-]{20,}')}`,
    keywords: ['.'],
  },
  {
    id: 'pgpass-password',
    title: 'Password in .pgpass',
    path: '(?:^|/)\\.pgpass$',
    regex: `(?:^|\\n)[^#:\\s]+:[0-9*]+:[^:\\s]+:[^:\\s]+:${SECRET('[^\\s$]{4,}')}`,
    keywords: [':'],
  },
  {
    id: 'nuget-password',
    title: 'Password in NuGet.Config',
    path: '(?i)(?:^|/)nuget\\.config$',
    regex: `(?i)key="(?:ClearText)?Password"\\s+value="${SECRET('[^"%$]{4,}')}"`,
    keywords: ['password'],
  },
  {
    id: 'bundler-credentials',
    title: "Login in Bundler's configuration",
    path: '(?:^|/)\\.bundle/config$',
    regex: `BUNDLE_[A-Z0-9_]+__(?:COM|ORG|IO|NET|DEV|CLOUD|EXAMPLE):\\s*"?${SECRET('[^\\s"$]{8,}')}`,
    keywords: ['bundle_'],
  },
  ...encoded('base64-token', 'Token in Base64', ENCODED_TOKENS),
  ...encoded('base64-private-key', 'Private key in Base64', ENCODED_PRIVATE_KEYS),
];

/** One rule per form: the scanner finds a single keyword faster than one of many. */
function encoded(id: string, title: string, forms: readonly EncodedForm[]): readonly SecretRule[] {
  return forms.map(({ regex, keyword }) => ({ id, title, regex, keywords: [keyword] }));
}

/**
 * Trivy's allow rules that skip secrets by path, or because the text says "example": build inputs may be in such
 * folders too. Kept are those for Go's own sources (`usr/local/go`), whose tests contain private keys in every golang
 * image, and for Yarn's in node images (`opt/yarn-v…`).
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/secret/builtin-allow-rules.go
 */
const ALLOW_RULES_OFF = [
  'tests',
  'examples',
  'vendor',
  'usr-dirs',
  'locale-dir',
  'markdown',
  'python',
  'rubygems',
  'wordpress',
  'anaconda-log',
];

/**
 * Sample values in the comments of Maven's own settings.xml (`etc/maven`, `usr/share/maven/conf`).
 * https://github.com/apache/maven/blob/maven-3.9.x/apache-maven/src/assembly/maven/conf/settings.xml
 */
const MAVEN_SAMPLES =
  '^\\s*(?:<password>(?:repopwd|proxypass)</password>|<passphrase>optional; leave empty if not used\\.</passphrase>)\\s*$';

/** Locations of test and example keys in public packages, and of Debian's key for `localhost`. */
const PUBLIC_KEYS: readonly RegExp[] = [
  /^etc\/ssl\/private\/ssl-cert-snakeoil\.key$/,
  /^usr\/share\/doc\/[^/]+\//,
  /\/python3\.\d+\/(?:site-packages|dist-packages)\/[^/]+\/(?:.+\/)?tests?\//,
  /\/python3\.\d+\/test\//,
  /\/gems\/[^/]+-\d[^/]*\/(?:spec|tests?|features)\//,
];

const KEY_RULES: ReadonlySet<string> = new Set(['private-key', 'base64-private-key']);

/** Whether a finding is a private key in a public location. Other credentials in the same files count. */
export function isPublicKeyMaterial({ class: kind, id, path }: ReportFinding): boolean {
  const file = path?.replace(/^\/+/, '');
  return kind === 'secret' && KEY_RULES.has(id) && file !== undefined && PUBLIC_KEYS.some((each) => each.test(file));
}

/** Trivy's `--secret-config`. https://trivy.dev/docs/latest/guide/scanner/secret/ */
export function secretConfig(): string {
  return stringify({
    'disable-allow-rules': ALLOW_RULES_OFF,
    'allow-rules': [{ id: 'maven-samples', description: "values of Maven's own settings.xml", regex: MAVEN_SAMPLES }],
    rules: SECRET_RULES.map(({ id, title, path, regex, keywords }) => ({
      id,
      category: 'Credentials',
      title,
      severity: 'HIGH',
      ...(path === undefined ? {} : { path }),
      regex,
      keywords,
      ...(regex.includes('(?P<secret>') ? { 'secret-group-name': 'secret' } : {}),
    })),
  });
}

/** What the secret search skips, for the log and the summary. */
export const NOT_SEARCHED =
  'Not searched for secrets: binary files, archives and pictures, files under 10 bytes, lock files of package managers, the sources of Go and Yarn in `/usr/local/go` and `/opt/yarn-v…`, and `node_modules` and `.git` folders except for credential files in them. Private keys do not count in the tests of installed Python and Ruby packages and in `/usr/share/doc`, nor does `ssl-cert-snakeoil.key`.';

/** Trivy's secret search opens no file below these folders. */
const UNSEEN = /(?:^|\/)(?:\.git|node_modules)\//;
/** Names of small credential files to search there. */
const NAMED =
  /(?:^|\/)(?:config|config\.worktree|[^/]*\.config|[^/]*credentials[^/]*|gha-creds-[^/]*\.json|\.?npmrc|\.yarnrc\.yml|[._]netrc|\.pypirc|config\.json|\.gitconfig|auth\.json)$/;
/** Maximum size of a file to search here. */
export const MAX_UNSEEN_BYTES = 256 * 1024;

/**
 * Whether a file has to be searched here because Trivy skips it.
 * @param path without a leading slash
 */
export function isUnseenBySecretScan(path: string): boolean {
  return UNSEEN.test(path) && NAMED.test(path);
}

/**
 * The credentials in a file that Trivy skips. Pure.
 * @param path without a leading slash
 */
export function secretsIn(path: string, text: string): readonly ReportFinding[] {
  const lower = text.toLowerCase();
  return SECRET_RULES.flatMap((rule) => {
    if (rule.path !== undefined && !patternOf(rule.path).test(path)) return [];
    if (!rule.keywords.some((word) => lower.includes(word.toLowerCase()))) return [];
    const found = patternOf(rule.regex).exec(text);
    if (found === null) return [];
    const line = text.slice(0, found.index).split('\n').length;
    return [{ class: 'secret', id: rule.id, severity: 'HIGH', target: path, path, line, title: rule.title }];
  });
}

/** Converts a Go expression to JavaScript, as far as the rules need it. */
function patternOf(source: string): RegExp {
  return new RegExp(source.replace('(?i)', '').replace('(?P<', '(?<'), source.startsWith('(?i)') ? 'i' : '');
}

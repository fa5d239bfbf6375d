import { type Parsed, parsed, problems } from '../parsed.ts';
import { quoted } from '../suggestion.ts';

/** Who gets access, by the kind of identifier. Each registry takes the kinds that it knows. */
export const PRINCIPALS = {
  'aws-role': 'ARN of an IAM role or user',
  'aws-account': 'AWS account of twelve digits',
  'aws-organization': 'AWS organization `o-…`',
  'aws-function': 'ARN of a Lambda function',
  google: 'Google principal, such as `serviceAccount:name@project.iam.gserviceaccount.com`',
  entra: 'object id of Microsoft Entra ID',
  public: '`public`',
  'acr-token': '`acr:token/<name>`',
  'harbor-robot': '`harbor:robot/<name>`',
  'harbor-user': '`harbor:user/<name>`',
  'harbor-group': '`harbor:group/<name>`',
  'hub-team': '`hub:team/<name>`',
  'nexus-role': '`nexus:role/<name>`',
  'artifactory-group': '`artifactory:group/<name>`',
} as const satisfies Record<string, string>;

export type PrincipalKind = keyof typeof PRINCIPALS;

export interface Principal {
  readonly kind: PrincipalKind;
  /** The vendor's identifier, without our prefix: `prod` of `harbor:robot/prod`. */
  readonly id: string;
  readonly line: number;
}

/** A name of `who` with its members, or one principal that a list names directly. */
export interface PrincipalGroup {
  readonly name: string;
  readonly members: readonly Principal[];
  readonly line: number;
}

const PREFIXED = /^(acr:token|harbor:robot|harbor:user|harbor:group|hub:team|nexus:role|artifactory:group)\/(.+)$/;
const GOOGLE = /^(?:serviceAccount|group|user|domain):[^\s:]+$|^principal(?:Set)?:\/\/iam\.googleapis\.com\/\S+$/;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const KINDS: Readonly<Record<string, PrincipalKind>> = {
  'acr:token': 'acr-token',
  'harbor:robot': 'harbor-robot',
  'harbor:user': 'harbor-user',
  'harbor:group': 'harbor-group',
  'hub:team': 'hub-team',
  'nexus:role': 'nexus-role',
  'artifactory:group': 'artifactory-group',
};

/** Whether a text is an identifier of a vendor rather than the name of a group. */
export function isPrincipal(text: string): boolean {
  return (
    /[:/@]/.test(text) ||
    text === 'public' ||
    /^\d{12}$/.test(text) ||
    /^o-[a-z0-9]{10,32}$/.test(text) ||
    GUID.test(text)
  );
}

/** The kind of a principal by its form, and what is wrong with forms that would never work. */
export function parsePrincipal(text: string): Parsed<{ readonly kind: PrincipalKind; readonly id: string }> {
  const ok = (kind: PrincipalKind, id = text) => parsed({ kind, id });
  if (text === 'public' || text === '*') return ok('public', 'public');
  if (/^\d{12}$/.test(text)) return ok('aws-account');
  if (/^o-[a-z0-9]{10,32}$/.test(text)) return ok('aws-organization');
  if (text.startsWith('arn:')) return parseArn(text);
  if (GUID.test(text)) return ok('entra', text.toLowerCase());
  if (GOOGLE.test(text)) return ok('google');
  const [, prefix = '', id = ''] = PREFIXED.exec(text) ?? [];
  const kind = KINDS[prefix];
  if (kind !== undefined) return ok(kind, id);
  return problems(
    `expected an ARN, an AWS account, \`o-…\`, a Google principal such as \`serviceAccount:…\`, an object id of Entra, \`public\`, or ${Object.keys(
      KINDS,
    )
      .map((each) => `\`${each}/…\``)
      .join(', ')}`,
  );
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
function parseArn(text: string): Parsed<{ readonly kind: PrincipalKind; readonly id: string }> {
  const [, partition, service, , account = '', resource = ''] =
    /^arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):(.+)$/.exec(text) ?? [];
  if (partition === undefined) return problems('this is no ARN: expected `arn:aws:iam::<account>:role/<name>`');
  if (service === 'sts' && resource.startsWith('assumed-role/')) {
    const role = resource.split('/')[1] ?? '';
    return problems(
      `a session changes with every instance: write the role, \`arn:${partition}:iam::${account}:role/${role}\``,
    );
  }
  if (service === 'lambda' && /^function:[\w*-]+(?::[\w*-]+)?$/.test(resource))
    return parsed({ kind: 'aws-function', id: text });
  if (service === 'iam' && resource === 'root') return parsed({ kind: 'aws-account', id: account });
  if (service === 'iam' && resource.includes('*')) {
    return problems(
      `AWS takes no \`*\` in a principal: write the account, ${quoted(account)}, or one role for each line`,
    );
  }
  if (service === 'iam' && /^(?:role|user)\/[\w+=,.@/-]+$/.test(resource))
    return parsed({ kind: 'aws-role', id: text });
  return problems('expected the ARN of an IAM role or user, or of a Lambda function');
}

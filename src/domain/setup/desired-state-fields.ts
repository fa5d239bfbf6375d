import { type Parsed, parsed, problems } from '../parsed.ts';
import { globToRegex } from '../patterns/glob.ts';
import {
  boolean,
  count,
  either,
  type Fields,
  listOf,
  mapOf,
  mapped,
  mapWithPosition,
  oneOf,
  parsedText,
  type Reader,
  type ReadFields,
  recordOf,
} from '../yaml-file/readers.ts';
import { isLocatedMap, type Located } from '../yaml-file/tree.ts';
import {
  EVENTS,
  type Immutability,
  type RetentionFile,
  SCANS,
  TEMPLATE_USES,
  type VendorBlock,
  type Webhook,
} from './desired-state.ts';
import { anyJson, given, httpsUrl, orNone, registryAddress, repositoryName, size, word } from './value-readers.ts';

/** The keys of the desired-state file, once: what parses them, and what editors show. */

const isMap = ({ value }: Located) => isLocatedMap(value);

const tagGlob = parsedText('a glob of tags such as `v*`', (value): Parsed<string> => {
  const regex = globToRegex(value);
  return regex.ok ? parsed(value) : regex;
});

const immutable: Reader<Immutability> = either<Immutability, Immutability>(
  isMap,
  mapped(
    mapOf('`immutable`', {
      except: { reader: listOf(tagGlob, { least: 1 }), about: 'Tags that match one of these can be moved.' },
      only: { reader: listOf(tagGlob, { least: 1 }), about: 'Only tags that match one of these cannot be moved.' },
    }),
    ({ except, only, at }, _, report) => {
      if ((except === undefined) === (only === undefined)) {
        report(at, '`immutable` takes `except` or `only`, one of them');
        return undefined;
      }
      return except === undefined ? { mode: 'only', tags: only ?? [] } : { mode: 'except', tags: except };
    },
  ),
  mapped(boolean, (value): Immutability => ({ mode: value ? 'all' : 'off' })),
);

const retention: Reader<RetentionFile> = either<RetentionFile, RetentionFile>(
  isMap,
  mapped(
    mapOf('`retention`', {
      from: { reader: word('the path of a cleanup policy'), about: 'Path of a cleanup policy.', required: true },
      replace: { reader: boolean, about: 'Whether a retention that others wrote is replaced. Default: false.' },
    }),
    ({ from = '', replace = false }) => ({ from, replace }),
  ),
  mapped(word('the path of a cleanup policy'), (from) => ({ from, replace: false })),
);

/** A group of `who`, or a principal. */
export interface WrittenPrincipal {
  readonly text: string;
  readonly at: Located;
}
const principal: Reader<WrittenPrincipal> = mapped(
  parsedText('a name of `who`, or a principal', (value) => parsed(value)),
  (written, at) => ({ text: written, at }),
);
const principals = listOf(principal);

const DEFAULT_EVENTS: Webhook['on'] = ['push'];
const webhooks = listOf(
  mapped(
    mapOf('a webhook', {
      name: { reader: word('a name'), about: 'Its name in the registry.', required: true },
      url: { reader: httpsUrl, about: 'Where it posts to.', required: true },
      on: { reader: listOf(oneOf(...EVENTS), { least: 1 }), about: 'Events. Default: push.' },
      secret: {
        reader: parsedText('`env:NAME`', (value) =>
          /^env:[A-Za-z_]\w*$/.test(value)
            ? parsed(value.slice(4))
            : problems('a secret is not written here: `env:NAME` names a variable of the environment'),
        ),
        about: 'Variable of the environment with the value of its authorization header: `env:NAME`.',
      },
    }),
    ({ name = '', url = '', on: events = DEFAULT_EVENTS, secret, at }): Webhook => ({
      name,
      url,
      on: events,
      secret,
      line: at.line,
    }),
  ),
);

const block = {
  reader: recordOf('a map of fields of the API', /^[A-Za-z][\w.-]*$/, anyJson),
  about: "Fields of the vendor's own API that this file has no key for.",
};
const blocks = {
  aws: block,
  google: block,
  azure: block,
  harbor: block,
  hub: block,
  nexus: block,
  artifactory: block,
} satisfies Readonly<Record<VendorBlock, unknown>>;

const accept = {
  reader: listOf(word('a setting such as `immutable.except`')),
  about: 'Settings that the vendor lacks and that is accepted: they are shown and do not make the result partial.',
};

const settings = {
  description: { reader: given(orNone(word('a text'))), about: 'What people read about it.' },
  labels: {
    reader: recordOf('a map of labels', /^[\p{L}\p{N} _.:/=+@-]{1,128}$/u, given(orNone(word('a text')))),
    about: 'Labels, tags. Others stay; `none` removes one.',
  },
  visibility: { reader: given(oneOf('private', 'public')), about: 'Who may pull without a login.' },
  immutable: {
    reader: given(immutable),
    about: 'Whether tags are immutable: `true`, `false`, all but some, or only some.',
  },
  scan: { reader: given(oneOf(...SCANS)), about: 'When the registry scans.' },
  key: {
    reader: given(word('a key, as the vendor names it')),
    about: 'Encryption key. It cannot be changed after creation.',
  },
  retention: {
    reader: given(orNone(retention)),
    about: 'Path of a cleanup policy that the registry itself is to apply, as far as it can without deleting more.',
  },
  pull: { reader: given(orNone(principals)), about: 'Who may pull. Others keep what they have.' },
  push: { reader: given(orNone(principals)), about: 'Who may push, and pull.' },
  admin: { reader: given(orNone(principals)), about: 'Who may push, change settings and delete images.' },
  access: {
    reader: given(oneOf('add', 'exact')),
    about: '`exact`: who is not listed loses access. Default: add.',
  },
  quota: { reader: given(orNone(size)), about: 'How much it may hold.' },
  webhooks: { reader: given(orNone(webhooks)), about: 'Webhooks, by name. Others stay.' },
  accept,
  ...blocks,
};

const on = {
  reader: listOf(word('a key of `registries`'), { least: 1 }),
  about: 'Keys of `registries`. Default: all.',
};

const prefix = parsedText('a prefix of repositories such as `acme/`', (value) =>
  /^[a-z0-9][a-z0-9._/-]{0,255}$/.test(value) ? parsed(value) : problems('a prefix has no `*`: write `acme/`'),
);
const prefixes = listOf(prefix);

const replication = mapped(
  mapOf('an entry of `replicate`', {
    to: {
      reader: listOf(word('a region or registry'), { least: 1 }),
      about: 'Regions (`us-east-1`), other accounts (`444455556666/eu-west-1`), or registries.',
      required: true,
    },
    only: { reader: prefixes, about: 'Prefixes of repositories. Default: all.' },
    existing: { reader: oneOf('copy', 'leave'), about: 'Whether images that exist are copied, too. Default: leave.' },
    deletes: { reader: boolean, about: 'Whether deletions travel, too.' },
  }),
  ({ to = [], only = [], existing = 'leave', deletes, at }) => ({
    to,
    only,
    copiesExisting: existing === 'copy',
    deletes,
    line: at.line,
  }),
);

const account = parsedText('an AWS account of twelve digits, in quotes', (value) =>
  /^\d{12}$/.test(value) ? parsed(value) : problems('expected an AWS account of twelve digits'),
);
const receiving = mapped(
  mapOf('an entry of `receive`', {
    from: {
      reader: listOf(account, { least: 1 }),
      about: 'Accounts that may replicate into this one.',
      required: true,
    },
    only: { reader: prefixes, about: 'Prefixes of repositories. Default: all.' },
    creates: { reader: boolean, about: 'Whether replication may create repositories. Default: true.' },
  }),
  ({ from = [], only = [], creates = true, at }) => ({ from, only, creates, line: at.line }),
);

const cache = mapOf('an entry of `cache`', {
  prefix: { reader: prefix, about: 'Prefix of the repositories that cached images are stored under.', required: true },
  from: { reader: registryAddress, about: 'The upstream, such as `docker.io`.', required: true },
  secret: { reader: word('a reference to a secret'), about: 'Where the credentials of the upstream are kept.' },
  user: { reader: word('a user name'), about: 'User name at the upstream, where the secret is only the password.' },
  role: { reader: word('the ARN of a role'), about: 'Role for an upstream in another account.' },
  pull: { reader: principals, about: 'Who may pull through it.' },
});

const template = mapOf('an entry of `templates`', {
  prefix: {
    reader: either(({ value }) => value === 'ROOT', oneOf('ROOT'), prefix),
    about: 'Prefix of the repositories that it is for; `ROOT`: all others.',
    required: true,
  },
  for: {
    reader: listOf(oneOf(...TEMPLATE_USES), { least: 1 }),
    about: 'What makes such repositories.',
    required: true,
  },
  role: { reader: word('the ARN of a role'), about: 'Role that sets labels and the key.' },
  ...settings,
});

const signing = mapped(
  mapOf('an entry of `signing`', {
    profile: { reader: word('the ARN of a signing profile'), about: 'Signing profile.', required: true },
    only: { reader: listOf(word('a glob of repositories')), about: 'Globs of repositories. Default: all.' },
  }),
  ({ profile = '', only = [], at }) => ({ profile, only, line: at.line }),
);

const registry = mapWithPosition('position', 'a registry', {
  at: { reader: registryAddress, about: 'Its host, with a path where it has one.', required: true },
  in: { reader: given(word('a folder of resources')), about: 'Where it is managed, such as an Azure resource group.' },
  key: { reader: given(word('a key')), about: 'Encryption key of repositories that setup creates.' },
  replicate: { reader: given(orNone(listOf(replication, { least: 1 }))), about: 'Where images are copied to.' },
  receive: { reader: given(orNone(listOf(receiving, { least: 1 }))), about: 'Who may replicate into it.' },
  cache: { reader: given(orNone(listOf(cache, { least: 1 }))), about: 'Pull-through caches.' },
  templates: {
    reader: given(orNone(listOf(template, { least: 1 }))),
    about: 'Settings of repositories that the registry makes itself.',
  },
  scanning: { reader: given(oneOf('basic', 'enhanced')), about: 'The scanner of the registry.' },
  signing: { reader: given(orNone(listOf(signing, { least: 1 }))), about: 'What the registry signs itself.' },
  webhooks: { reader: given(orNone(webhooks)), about: 'Webhooks of the whole registry.' },
  quota: { reader: given(orNone(size)), about: 'How much it may hold.' },
  accept,
  ...blocks,
} satisfies Fields);

const repository = mapOf('an entry of `repositories`', {
  name: { reader: repositoryName, about: 'A repository, created where it is missing.' },
  match: {
    reader: parsedText('a glob such as `acme/*`', (value): Parsed<string> => {
      const regex = globToRegex(value);
      return regex.ok ? parsed(value) : regex;
    }),
    about: 'Settings of what exists or is named below; creates nothing.',
  },
  on,
  ...settings,
});

/** The whole file. */
export const desiredStateFields = mapOf('a desired state', {
  version: { reader: count(1, 1), about: 'The version of this format: 1.', required: true },
  owner: {
    reader: parsedText('a short name', (value) =>
      /^[a-z][a-z0-9-]{0,30}$/.test(value) ? parsed(value) : problems('expected lower-case letters, digits and `-`'),
    ),
    about: 'Marks what belongs to this file where several teams share a setting. Default: setup.',
  },
  who: {
    reader: recordOf('a map of names and principals', /^[a-z][a-z0-9_-]{0,62}$/, principals),
    about: 'Names for lists of principals.',
  },
  registries: {
    reader: recordOf('a map of registries', /^[a-z][a-z0-9_-]{0,62}$/, registry, 50),
    about: 'The registries, under names of your own.',
    required: true,
  },
  defaults: { reader: mapOf('`defaults`', settings), about: 'Settings of all repositories below.' },
  repositories: { reader: listOf(repository, { most: 5000 }), about: 'Repositories by name or pattern.' },
});

type Read<R> = R extends Reader<infer T> ? T : never;
export type RawState = Read<typeof desiredStateFields>;
export type RawRegistry = Read<typeof registry>;
export type RawRepository = Read<typeof repository>;
export type RawSettings = ReadFields<typeof settings>;

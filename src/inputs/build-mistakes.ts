import { exposedCacheOptions, withoutCacheCredentials } from '../domain/cache-credentials.ts';
import type { BuildInputs } from './build.ts';
import type { Rule } from './rule.ts';

/** The kinds of build caches: https://docs.docker.com/build/cache/backends/ */
const CACHES: readonly string[] = ['gha', 'local', 'registry', 'inline', 's3', 'azblob'];

const cacheCredentials = (inputs: BuildInputs) =>
  withoutCacheCredentials({ cacheFrom: inputs['cache-from'], cacheTo: inputs['cache-to'] });

/** Entries in the syntax of something else, which BuildKit would take for names and values. */
export const BUILD_MISTAKES: readonly Rule<BuildInputs>[] = [
  (inputs) =>
    (['cache-from', 'cache-to'] as const).flatMap((input) =>
      inputs[input]
        .filter((entry) => CACHES.includes(entry))
        .map((entry) => `\`${input}\`: \`${entry}\` alone is the name of an image. Write \`type=${entry}\`.`),
    ),
  (inputs, { env }) => {
    const { conflict, variables } = cacheCredentials(inputs);
    if (conflict !== undefined) {
      return `\`cache-from\` and \`cache-to\` have different values of \`${conflict}\`, and a build takes one. Use the same for all caches of a type.`;
    }
    const read = [
      ...inputs['secret-envs'].map(({ value }) => value),
      ...inputs['build-args'].filter((argument) => !argument.includes('=')),
    ];
    return read
      .filter((name) => variables[name] !== undefined && env[name] !== undefined && env[name] !== variables[name])
      .map(
        (name) =>
          `The build reads the variable ${name}, in which it also gets the credentials of its cache, and the two differ. Give the build its own under another name.`,
      );
  },
  // `docker build --secret id=npm,src=.npmrc`. The text is not repeated: it may be a secret after all.
  ({ secrets }) =>
    secrets.some(({ name, value }) => name === 'id' && /(?:^|,)(?:src|source|env|type)=/.test(value))
      ? '`secrets`: `id=…,src=…` is the syntax of `docker build`. Write `secret-files: npm=.npmrc` for a file, `secret-envs: npm=NPM_TOKEN` for a variable, or `secrets: npm=…` with the value.'
      : undefined,
];

/** Entries that BuildKit takes as they are, although they are probably not meant that way. */
export const BUILD_WARNINGS: readonly Rule<BuildInputs>[] = [
  (inputs) =>
    exposedCacheOptions([...inputs['cache-from'], ...inputs['cache-to']]).map(
      (option) =>
        `\`${option}\` of a build cache reaches BuildKit on the command line, where every process of the runner can read it. On a shared runner, use a cache that needs no such option.`,
    ),
  (inputs) =>
    inputs['build-args'].flatMap((entry) => {
      const [, name, next] = /^([A-Z][A-Z0-9_]*)=[^=]*,([A-Z][A-Z0-9_]*)=/.exec(entry) ?? [];
      return name === undefined || next === undefined
        ? []
        : [
            `\`build-args\`: the value of \`${name}\` contains \`,${next}=\`. Arguments are separated by line breaks: if \`${next}\` is another one, write it on a line of its own.`,
          ];
    }),
];

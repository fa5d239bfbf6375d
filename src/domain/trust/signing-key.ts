import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';

/** A key with its certificate chain as files, or a key that a plugin of notation signs with. */
export type NotationKey =
  | { readonly kind: 'files'; readonly key: string; readonly certificate: string }
  | { readonly kind: 'plugin'; readonly plugin: string; readonly id: string };

/** Kinds of keys that cosign reads besides files. */
const SCHEMES = ['env', 'awskms', 'azurekms', 'gcpkms', 'hashivault', 'openbao'] as const;

/** Checks the reference of a cosign key: a path, `env://NAME`, or a key in a key management service. */
export function readCosignKey(text: string): Parsed<string> {
  const [, scheme, rest = ''] = /^([a-z0-9+.-]+):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === undefined) {
    return /^-----BEGIN/.test(text)
      ? problems('`sign-key` is the key itself; put it into a variable, and write `env://NAME`')
      : parsed(text);
  }
  if (!SCHEMES.some((known) => known === scheme)) {
    return problems(
      `\`sign-key\` is of the kind ${quoted(`${scheme}://`)}, expected a path, ${SCHEMES.map((known) => `${known}://`).join(', ')}.${didYouMean(scheme, SCHEMES)}`,
    );
  }
  if (scheme === 'env' && !/^\w+$/.test(rest))
    return problems('`sign-key`: write `env://NAME` with the name of a variable');
  return rest === '' ? problems(`\`sign-key\`: ${quoted(text)} names no key`) : parsed(text);
}

/** Reads a key for notation: `key=<path>,certificate=<path>` or `plugin=<name>,id=<key id>`. */
export function readNotationKey(text: string): Parsed<NotationKey> {
  const pairs = text.split(',').map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, Math.max(at, 0)).trim(), part.slice(at + 1).trim()] as const;
  });
  const { key, certificate, plugin, id, ...others } = Object.fromEntries(pairs);
  if (Object.keys(others).length > 0 || pairs.length !== 2) return problems(NOTATION_FORM);
  if (key && certificate) return parsed({ kind: 'files', key, certificate });
  // The name becomes part of a program's path.
  if (plugin && id && /^[\w.-]+$/.test(plugin)) return parsed({ kind: 'plugin', plugin, id });
  return problems(NOTATION_FORM);
}

const NOTATION_FORM =
  '`sign-key` for notation is `key=<path>,certificate=<path>` or `plugin=<name>,id=<key id>`, each set once and not empty';

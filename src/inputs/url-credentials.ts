import type { Mask } from './schema.ts';

/** The authority of a URL up to its last `@`, including the scheme. */
const USERINFO = /\b([a-z][a-z0-9+.-]*):\/\/([^\s/?#\\"'`<>]*)@([^\s/?#\\"'`<>@]*)/gi;
/** User names that describe the kind of password, or are not secret. */
const PUBLIC_NAMES = /^(?:git|x-access-token|x-token-auth|oauth2|token|user|admin)?$/i;
/** Shorter texts could be part of any word. */
const MIN_LENGTH = 3;

/** Cache options that contain a secret: https://docs.docker.com/build/cache/backends/ */
const CACHE_SECRET =
  /\b(?:secret_access_key|session_token|access_key_id|secret_id|account_key|ghtoken|token)=([^,\s"]+)/gi;

/** Masks the credentials of every URL in a text, encoded and decoded. */
export function maskUrlCredentials(text: string, mask: Mask): void {
  for (const [, , userinfo = ''] of text.matchAll(USERINFO)) {
    const { user, password } = splitUserinfo(userinfo);
    const secrets = [password, ...(password === '' && !PUBLIC_NAMES.test(user) ? [user] : [])];
    for (const secret of secrets.flatMap((each) => [each, decoded(each)]))
      if (secret.length >= MIN_LENGTH) mask(secret);
  }
  for (const [, secret = ''] of text.matchAll(CACHE_SECRET)) if (secret.length >= MIN_LENGTH) mask(secret);
}

/**
 * Host of the first URL with credentials in a build context or file; undefined when there are none. `git@` and other
 * bare user names are credentials only in HTTP URLs.
 */
export function hostWithCredentials(text: string): string | undefined {
  for (const [, scheme = '', userinfo = '', host = ''] of text.matchAll(USERINFO)) {
    const { password } = splitUserinfo(userinfo);
    if (password !== '' || (/^(?:git\+)?https?$/i.test(scheme) && userinfo !== '')) return host;
  }
  return undefined;
}

function splitUserinfo(userinfo: string): { readonly user: string; readonly password: string } {
  const colon = userinfo.indexOf(':');
  return colon === -1
    ? { user: userinfo, password: '' }
    : { user: userinfo.slice(0, colon), password: userinfo.slice(colon + 1) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

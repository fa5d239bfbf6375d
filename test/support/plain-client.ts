/** A user name with its password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface PlainRequest {
  /** Undefined: anonymous, without a token too. */
  readonly login?: Login | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * One request to a registry, and a second one after a challenge, as the simplest client does it.
 * @param host `127.0.0.1:<port>`
 * @returns the last answer, which is the token service's when that gives out no token
 */
export async function askPlainly(
  host: string,
  method: string,
  path: string,
  { login, headers = {}, body }: PlainRequest = {},
): Promise<PlainAnswer> {
  const ask = async (authorization?: string) => {
    const answer = await fetch(`http://${host}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  };
  const first = await ask();
  if (first.status !== 401 || login === undefined) return first;
  const challenge = first.headers.get('www-authenticate') ?? '';
  const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  const parameter = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = parameter('realm');
  if (!/^bearer /i.test(challenge) || realm === undefined) return ask(basic);
  const url = new URL(realm);
  for (const name of ['service', 'scope']) url.searchParams.append(name, parameter(name) ?? '');
  const granted = await fetch(url, { headers: { authorization: basic } });
  const text = await granted.text();
  if (!granted.ok) return { status: granted.status, headers: granted.headers, body: text };
  const { token }: { readonly token: string } = JSON.parse(text);
  return ask(`Bearer ${token}`);
}

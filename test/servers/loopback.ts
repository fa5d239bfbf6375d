import { randomBytes } from 'node:crypto';

/** A password that nobody knows. */
export function secret(): string {
  return randomBytes(18).toString('hex');
}

/** Whether an address answers with a success. */
export async function isUp(url: string): Promise<boolean> {
  const { ok } = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return ok;
}

/** @throws Error with the body when the answer is not a success */
export async function expectOk(url: string, init: RequestInit): Promise<void> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`${init.method} ${url}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
}

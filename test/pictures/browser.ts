import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Fields, fieldsOf } from '../../src/domain/fields.ts';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** A page that takes longer is not going to be drawn. */
const MAX_MILLISECONDS = 30_000;

/** @throws Error that says what to install */
export function findBrowser(): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const files = (process.env.PATH ?? '').split(delimiter).flatMap((at) => PROGRAMS.map((name) => join(at, name)));
  const found = files.find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    'No Chromium found. Install it (Debian, Ubuntu: `apt-get install chromium fonts-noto-color-emoji`), or set CHROMIUM to the path of Chromium or Chrome.',
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A headless browser, driven by the DevTools protocol. https://chromedevtools.github.io/devtools-protocol/ */
export interface Browser {
  /**
   * The picture of a page of this width and as high as its content, as PNG.
   * @param file an HTML file whose script sets `window.ready` to a promise
   */
  readonly capture: (file: string, width: number) => Promise<Buffer>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'registry-action-browser-'));
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run'];
  const child = spawn(findBrowser(), [...options, '--remote-debugging-pipe', `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [, , , input, output] = child.stdio;
  if (!input || !('write' in input) || !output || !('read' in output)) throw new Error('The browser has no pipes.');
  const waiting = new Map<number, PromiseWithResolvers<Fields>>();
  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.once('error', fail).once('exit', (code) => fail(new Error(`The browser has ended (${code}).`)));
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const { id, result, error } = fieldsOf(JSON.parse(message));
      const call = waiting.get(Number(id));
      waiting.delete(Number(id));
      if (error === undefined) call?.resolve(fieldsOf(result));
      else call?.reject(new Error(JSON.stringify(error)));
    }
  });
  let calls = 0;
  const call = (method: string, params: Fields, sessionId?: string): Promise<Fields> => {
    const id = ++calls;
    const answer = Promise.withResolvers<Fields>();
    const timer = setTimeout(() => answer.reject(new Error(`${method} took too long.`)), MAX_MILLISECONDS);
    waiting.set(id, answer);
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer.promise.finally(() => clearTimeout(timer));
  };
  return {
    capture: async (file, width) => {
      const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
      const inPage = (method: string, params: Fields) => call(method, params, String(sessionId));
      const size = (height: number) =>
        inPage('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
      await size(800);
      await inPage('Page.navigate', { url: pathToFileURL(file).href });
      const evaluation = await inPage('Runtime.evaluate', {
        expression: `(async () => { while (!window.ready) await new Promise((go) => setTimeout(go, 20)); await window.ready; return document.body.scrollHeight })()`,
        awaitPromise: true,
      });
      if (evaluation.exceptionDetails !== undefined) throw new Error(JSON.stringify(evaluation.exceptionDetails));
      await size(Number(fieldsOf(evaluation.result).value));
      const { data } = await inPage('Page.captureScreenshot', { format: 'png' });
      await call('Target.closeTarget', { targetId });
      return Buffer.from(String(data), 'base64');
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

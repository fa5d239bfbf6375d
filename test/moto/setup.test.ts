import { spawn } from 'node:child_process';
import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { runAction } from '../support/action.ts';
import { installMoto } from './install.ts';

/** What moto has no answer for: a preview, which expires nothing here. */
async function withPreviews(target: string): Promise<string> {
  const texts = new Map<string, string>();
  const answerTo = (incoming: IncomingMessage, response: ServerResponse, body: Buffer) => {
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    if (/^(?:Start|Get)LifecyclePolicyPreview$/.test(operation)) {
      const { repositoryName, lifecyclePolicyText } = JSON.parse(body.toString());
      if (operation.startsWith('Start')) texts.set(repositoryName, lifecyclePolicyText);
      const answer = { repositoryName, lifecyclePolicyText: texts.get(repositoryName), status: 'COMPLETE' };
      response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify(answer));
      return;
    }
    const { method, url, headers } = incoming;
    const forwarded = request(
      new URL(url ?? '/', target),
      { ...(method === undefined ? {} : { method }), headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy()).end(body);
  };
  const server = createHttpServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => answerTo(incoming, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

/** moto, an implementation of AWS's services that is not ours: https://github.com/getmoto/moto */
async function startMoto(): Promise<string> {
  const port = await freePort();
  const env = { ...process.env, PYTHONPATH: await installMoto() };
  const server = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env,
    stdio: 'ignore',
  });
  onTestFinished(() => void server.kill());
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await fetch(url).catch(() => undefined)) !== undefined) return url;
    await sleep(200);
  }
  throw new Error(`moto does not answer on ${url}.`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** What moto has: one replication rule, neither caches nor templates. */
const CONFIG = `version: 1
owner: platform
registries:
  ecr:
    at: ${HOST}
    replicate: [{to: [us-east-1], only: [acme/]}]
    receive: [{from: ["444455556666"], only: [acme/]}]
repositories:
  - name: acme/api
    immutable: {except: [latest]}
    scan: on-push
    labels: {team: a}
    pull: ["arn:aws:iam::123456789012:role/task", "444455556666"]
    push: ["arn:aws:iam::123456789012:role/ci"]
    aws:
      lifecyclePolicy:
        rules:
          - rulePriority: 1
            selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}
            action: {type: expire}
`;

test('a registry is set up, a second run changes nothing, and a third one what the file changed', async () => {
  const endpoint = await withPreviews(await startMoto());
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_ENDPOINT_URL_ECR: endpoint };
  const run = async (config: string, dryRun = 'false') => {
    const done = await runAction({ inputs: { command: 'setup', config, 'dry-run': dryRun }, env });
    onTestFinished(done.dispose);
    return done.outputs;
  };
  expect(await run(CONFIG, 'true')).toMatchObject({ outcome: 'planned', drift: 'true' });
  expect(await run(CONFIG)).toMatchObject({ outcome: 'applied' });
  expect(await run(CONFIG)).toMatchObject({ outcome: 'unchanged', drift: 'false' });
  const changed = CONFIG.replace('[latest]', '[latest, "v*"]')
    .replace('team: a', 'team: none')
    .replace('countNumber: 7', 'countNumber: 9');
  expect(await run(changed)).toMatchObject({ outcome: 'applied', 'changed-settings': '2', 'removed-settings': '1' });
  expect(await run(changed)).toMatchObject({ outcome: 'unchanged' });
  const removed = changed.replace(/replicate: .*/, 'replicate: none').replace(/receive: .*/, 'receive: none');
  expect(await run(removed)).toMatchObject({ outcome: 'applied', 'removed-settings': '2' });
  expect(await run(removed)).toMatchObject({ outcome: 'unchanged' });
});

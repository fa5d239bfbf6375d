import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { answersOf, type ServerAnswers } from '../support/server-answers.ts';
import { createScene } from './scene.ts';
import { serversOf } from './server.ts';

const FILE = new URL('../fixtures/server-answers.json', import.meta.url);
const read = (): Record<string, ServerAnswers> => JSON.parse(readFileSync(FILE, 'utf8'));

describe('the answers that the doubles are compared with are still those of the server', () => {
  test.each(serversOf(process.env))('$name', async (server) => {
    const scene = await createScene(server);
    try {
      await scene.nextImage();
      const run = await scene.publish({ images: `${scene.front.host}/team/app` });
      expect(run.exitCode, run.log).toBe(0);
      const answers = await answersOf({ ...server, host: scene.front.host });
      if (process.env.RECORD_ANSWERS !== undefined) {
        writeFileSync(FILE, `${JSON.stringify({ ...read(), [server.name]: answers }, null, 2)}\n`);
      }
      expect(answers).toEqual(read()[server.name]);
    } finally {
      await scene.close();
    }
  });
});

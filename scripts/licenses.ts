import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldsOf } from '../src/domain/fields.ts';

/**
 * The licences of all packages that may be in the bundle: those that the lock file does not mark as for development only.
 * @throws Error when a package names no licence at all
 */
export async function licenses(root: string): Promise<string> {
  const lock: unknown = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(fieldsOf(fieldsOf(lock).packages))
    .filter(([path, facts]) => path !== '' && fieldsOf(facts).dev !== true && fieldsOf(facts).devOptional !== true)
    .map(([path]) => path)
    .toSorted();
  const texts = await Promise.all(packages.map((path) => licenseOf(join(root, path))));
  // Line ends as git has them, so that a fresh clone builds the same file.
  return `${texts.join(`\n\n${'─'.repeat(80)}\n\n`)}\n`.replaceAll(/\r\n?/g, '\n');
}

async function licenseOf(directory: string): Promise<string> {
  const facts = fieldsOf(JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')));
  const name = `${facts.name} ${facts.version}`;
  const file = (await readdir(directory)).toSorted().find((each) => /^(licen[cs]e|copying)/i.test(each));
  if (file === undefined && typeof facts.license !== 'string') throw new Error(`${name} names no licence.`);
  const text = file === undefined ? '' : `\n\n${(await readFile(join(directory, file), 'utf8')).trim()}`;
  return `${name} (${typeof facts.license === 'string' ? facts.license : 'see below'})${text}`;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { Contract } from '../contract.ts';
import { awsContract, trimAws } from './aws.ts';
import type { Described } from './entry.ts';
import { googleOperations, trimGoogle } from './google.ts';
import { openApiOperations, trimOpenApi } from './openapi.ts';
import { contractOf, patternOf } from './operation.ts';
import { type ContractName, entryOf } from './table.ts';

const EXTRACTS = join(import.meta.dirname, '../../contracts');

const FORMATS = {
  openapi: {
    contract: (document: Fields, spans: readonly string[]) => contractOf(openApiOperations(document), spans),
    trim: trimOpenApi,
    names: (document: Fields) =>
      Object.entries(fieldsOf(document.paths)).flatMap(([path, item]) =>
        Object.keys(fieldsOf(item)).map((method) => `${method.toUpperCase()} ${path}`),
      ),
  },
  google: {
    contract: (document: Fields) => contractOf(googleOperations(document)),
    trim: trimGoogle,
    names: (document: Fields) => Object.keys(fieldsOf(document.methods)),
  },
  aws: {
    contract: (document: Fields) => awsContract(document),
    trim: trimAws,
    names: (document: Fields) => Object.keys(fieldsOf(document.operations)),
  },
} as const;

/** Where the contracts come from: the folder of the vendors' whole files, or the extracts beside the tests. */
export function contractSource(specs: string | undefined = process.env.SPECS_DIR): string {
  return specs ? `whole descriptions in ${specs}` : 'extracts in test/contracts';
}

/**
 * A vendor's contract. Where several descriptions make it up, a request is fine when one of them describes it.
 *
 * @param specs folder with the whole files (`SPECS_DIR`); the extracts otherwise
 */
export async function readContract(
  name: ContractName,
  specs: string | undefined = process.env.SPECS_DIR,
): Promise<Contract> {
  const { documents, spans = [], exceptions = [] } = entryOf(name);
  const read = specs
    ? await Promise.all(documents.map(async ({ file }) => readDocument(specs, file)))
    : await readExtract(name);
  const contracts = documents.map(({ format }, index) => FORMATS[format].contract(fieldsOf(read[index]), spans));
  const excepted = exceptions.map(({ operation }) => {
    const [method = '', path = ''] = operation.split(' ');
    return { method, pattern: patternOf(path) };
  });
  return {
    check: (request) => {
      const { pathname } = request.url;
      if (excepted.some(({ method, pattern }) => method === request.method && pattern.test(pathname))) return [];
      const results = contracts.map((contract) => contract.check(request));
      if (results.some((problems) => problems.length === 0)) return [];
      // A description that knows the operation tells more than one that does not.
      const telling = results.filter(
        (problems) => !problems.some((problem) => /^\S+ \S+ is not described$/.test(problem)),
      );
      return (telling.length > 0 ? telling : results)[0] ?? [];
    },
  };
}

/** The text of a contract's extract, made of the whole files. An operation that the files lack is an error. */
export async function extractOf(name: ContractName, specs: string): Promise<string> {
  const documents = await Promise.all(
    entryOf(name).documents.map(async ({ format, file, source, version, licence, operations }: Described) => {
      const { trim, names } = FORMATS[format];
      const document = trim(await readDocument(specs, file), operations);
      const present = names(document);
      const missing = operations.filter((operation) => !present.includes(operation));
      if (missing.length > 0) throw new Error(`${file} does not have ${missing.join(', ')}`);
      return { source, version, licence, document };
    }),
  );
  return `${JSON.stringify({ documents }, undefined, 1)}\n`;
}

/** The path of a contract's extract. */
export function extractFile(name: ContractName): string {
  return join(EXTRACTS, `${name}.json`);
}

async function readDocument(specs: string, file: string): Promise<Fields> {
  const text = await readFile(join(specs, file), 'utf8');
  return fieldsOf(file.endsWith('.json') ? JSON.parse(text) : parse(text, { maxAliasCount: -1 }));
}

async function readExtract(name: ContractName): Promise<readonly Fields[]> {
  const { documents } = fieldsOf(JSON.parse(await readFile(extractFile(name), 'utf8')));
  return Array.isArray(documents) ? documents.map((each) => fieldsOf(fieldsOf(each).document)) : [];
}

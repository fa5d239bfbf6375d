import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadCsv } from '../../domain/csv.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { readPolicyFile, type Written } from '../../domain/promotion/policy.ts';
import type { Requirement } from '../../domain/promotion/requirement.ts';
import { type ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import { type GateTerms, readGate } from '../../inputs/gate.ts';
import { parsePolicyDocument } from './policy-document.ts';
import { invalidAt } from './policy-files.ts';

/** The file that applies whether an input names it or not. */
export const POLICY = '.github/promotion.yaml';

/** A policy file in one of its versions. */
export interface PolicySource {
  readonly path: string;
  /** `.github/promotion.yaml on main` */
  readonly name: string;
  readonly text: string;
}

/** A file that requires a scan also defines its terms; the rest has defaults. */
export function readTerms(
  { path, name, text }: PolicySource,
  written: Written,
): { readonly required: readonly Requirement[]; readonly gate?: GateTerms } {
  const { read, nameOf } = parsePolicyDocument(text, path, name.slice(path.length));
  if (!read.ok) throw invalidAt(path, [read.problem]);
  const policy = readPolicyFile(read.value, written, nameOf);
  const gate = readGate(fieldsOf(read.value).gate ?? {}, nameOf);
  const found = [...(policy.ok ? [] : policy.problems), ...(gate.ok ? [] : gate.problems)];
  if (!policy.ok || !gate.ok) throw invalidAt(path, found);
  const scans = policy.value.some(({ name }) => name === 'scan');
  return { required: policy.value, ...(scans ? { gate: gate.value } : {}) };
}

const NOTHING: Written = { environment: '', tags: [], repositories: [] };

/**
 * Reports problems in the checkout's policy files together with those of the inputs. A missing file may still be on
 * GitHub, so it is not a problem here.
 * @param named path of another policy file
 * @throws ActionErrors of POLICY_INVALID
 */
export async function checkPolicyFiles(workspace: string, named: string | undefined): Promise<void> {
  const errors: ActionError[] = [];
  for (const path of new Set([POLICY, ...(named === undefined ? [] : [named])])) {
    const text = await readFile(resolve(workspace, path), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    await loadCsv([text]);
    try {
      readTerms({ path, name: path, text }, NOTHING);
    } catch (error) {
      errors.push(toActionError(error));
    }
  }
  throwAll(errors);
}

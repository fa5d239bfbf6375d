import { type Digest, isDigest } from './digest.ts';
import { type Fields, isFields } from './fields.ts';
import { type Parsed, parsed, problems } from './parsed.ts';

/** The plan of an earlier run, with the digest by which people approved it. */
export interface PlanFile {
  readonly digest: Digest;
  readonly plan: Fields;
}

/**
 * Reads the file of a plan, `{"digest": …, "plan": …}`. Only its form is checked here: the caller has to check that the digest is that
 * of the plan.
 * @param command which writes such plans, for messages
 */
export function parsePlanFile(text: string, command: string): Parsed<PlanFile> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return problems('The plan is not JSON: it was cut off, or is another file. Plan again.');
  }
  if (!isFields(file) || !isFields(file.plan) || !isDigest(file.digest)) {
    return problems(`This file is no plan: expected \`digest\` and \`plan\`, as \`command: ${command}\` writes them.`);
  }
  return parsed({ digest: file.digest, plan: file.plan });
}

/** The problem of a plan whose digest does not fit. */
export const CHANGED_PLAN = 'The plan was changed after it was made: its digest does not fit. Plan again.';

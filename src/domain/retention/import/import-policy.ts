import { fieldsOf, isFields } from '../../fields.ts';
import { type Parsed, parsed, problems } from '../../parsed.ts';
import { parsePolicy } from '../read-policy.ts';
import { importArtifactRegistry } from './artifact-registry.ts';
import { importEcr } from './ecr.ts';
import { gitlabPolicyIn, importGitlab } from './gitlab.ts';
import { importHarbor } from './harbor.ts';
import { type ImportedPolicy, writeImported } from './imported.ts';

/** A policy that was converted, as a file and with what it leaves out. */
export interface Converted {
  /** `a lifecycle policy of Amazon ECR`. */
  readonly source: string;
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * Converts the retention rules of a registry to a policy. Which registry's they are shows in their form.
 * @param text JSON as the registry's API or command line writes it
 */
export function importPolicy(text: string): Parsed<Converted> {
  const document = parseJson(text);
  if (!document.ok) return document;
  const imported = importDocument(document.value);
  if (!imported.ok) return imported;
  const written = writeImported(imported.value);
  const read = parsePolicy(written, 'policy');
  if (!read.ok) return problems('The rules have something that a policy cannot express:', ...read.problems);
  return parsed({ source: imported.value.source, text: written, notes: imported.value.notes });
}

function importDocument(document: unknown): Parsed<ImportedPolicy> {
  const fields = fieldsOf(document);
  const { lifecyclePolicyText, rules, cleanupPolicies } = fields;
  if (typeof lifecyclePolicyText === 'string') {
    const inner = parseJson(lifecyclePolicyText);
    return inner.ok ? importEcr(inner.value) : inner;
  }
  const inner = gitlabPolicyIn(document);
  if (inner !== undefined) return importGitlab(inner);
  if (cleanupPolicies !== undefined) return importArtifactRegistry(cleanupPolicies);
  if (Array.isArray(document)) return importArtifactRegistry(document);
  if (Array.isArray(rules)) {
    const isHarbor = 'algorithm' in fields || rules.some((rule) => 'tag_selectors' in fieldsOf(rule));
    return isHarbor ? importHarbor(document) : importEcr(document);
  }
  if ('name_regex' in fields || 'name_regex_delete' in fields || 'keep_n' in fields) return importGitlab(document);
  const values = Object.values(fields);
  if (values.length > 0 && values.every((each) => isFields(each) && 'action' in each))
    return importArtifactRegistry(document);
  return problems(
    'This is none of the formats that can be converted: a lifecycle policy of Amazon ECR (`rules` with `rulePriority`), cleanup policies of Artifact Registry (a list with `action`), tag retention of Harbor (`rules` with `tag_selectors`), or a container expiration policy of GitLab (`name_regex_delete`).',
  );
}

function parseJson(text: string): Parsed<unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return parsed(value);
  } catch (error) {
    return problems(`It is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

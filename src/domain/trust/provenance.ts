import { type Fields, fieldsOf } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** The claims of GitHub's token that the provenance is made of. */
const CLAIMS = [
  'repository',
  'repository_id',
  'repository_owner_id',
  'ref',
  'sha',
  'event_name',
  'workflow_ref',
  'job_workflow_ref',
  'runner_environment',
  'run_id',
  'run_attempt',
] as const;

type Claims = Readonly<Record<(typeof CLAIMS)[number], string>>;

/** https://actions.github.io/buildtypes/workflow/v1 */
const BUILD_TYPE = 'https://actions.github.io/buildtypes/workflow/v1';

/**
 * SLSA provenance of what a job builds, from the claims of its own token, in the form that `gh attestation verify` and GitHub's
 * attestations API accept: the same facts as in the certificate. https://slsa.dev/spec/v1.0/provenance
 * @param token payload of the job's OIDC token
 * @param server `https://github.com`
 */
export function provenancePredicate(token: Fields, server: string): Parsed<Fields> {
  const claims = readClaims(token);
  if (!claims.ok) return claims;
  const {
    repository,
    ref,
    sha,
    workflow_ref: workflow,
    job_workflow_ref: jobWorkflow,
    event_name,
    repository_id,
    repository_owner_id,
    runner_environment,
    run_id: run,
    run_attempt: attempt,
  } = claims.value;
  const workflowPath = workflow.replace(`${repository}/`, '').split('@', 1)[0] ?? '';
  const workflowRef = workflow.slice(workflow.indexOf('@') + 1);
  return parsed({
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        workflow: { ref: workflowRef, repository: `${server}/${repository}`, path: workflowPath },
      },
      internalParameters: {
        github: { event_name, repository_id, repository_owner_id, runner_environment },
      },
      resolvedDependencies: [{ uri: `git+${server}/${repository}@${ref}`, digest: { gitCommit: sha } }],
    },
    runDetails: {
      builder: { id: `${server}/${jobWorkflow}` },
      metadata: { invocationId: `${server}/${repository}/actions/runs/${run}/attempts/${attempt}` },
    },
  });
}

function readClaims(token: Fields): Parsed<Claims> {
  const missing = CLAIMS.filter((name) => typeof token[name] !== 'string' || token[name] === '');
  if (missing.length > 0) {
    return problems(`the token lacks ${missing.join(', ')}, so it is not from GitHub Actions`);
  }
  const text = (name: (typeof CLAIMS)[number]) => String(token[name]);
  return parsed({
    repository: text('repository'),
    repository_id: text('repository_id'),
    repository_owner_id: text('repository_owner_id'),
    ref: text('ref'),
    sha: text('sha'),
    event_name: text('event_name'),
    workflow_ref: text('workflow_ref'),
    job_workflow_ref: text('job_workflow_ref'),
    runner_environment: text('runner_environment'),
    run_id: text('run_id'),
    run_attempt: text('run_attempt'),
  });
}

/** What signed provenance says about the source; only what the certificate says as well can be believed. */
export interface ProvenanceSource {
  readonly repository?: string;
  readonly commit?: string;
  readonly builder?: string;
}

/** Reads the source out of a provenance of this form. */
export function provenanceSource(predicate: Fields): ProvenanceSource {
  const { externalParameters, resolvedDependencies } = fieldsOf(predicate.buildDefinition);
  const { repository } = fieldsOf(fieldsOf(externalParameters).workflow);
  const [source] = Array.isArray(resolvedDependencies) ? resolvedDependencies : [];
  const { gitCommit } = fieldsOf(fieldsOf(source).digest);
  const { id } = fieldsOf(fieldsOf(predicate.runDetails).builder);
  return {
    ...(typeof repository === 'string' ? { repository } : {}),
    ...(typeof gitCommit === 'string' ? { commit: gitCommit } : {}),
    ...(typeof id === 'string' ? { builder: id } : {}),
  };
}

/** The event of a run: read once from the environment and the event payload, a plain value from then on. */
export interface GitEvent {
  /** `push`, `pull_request`, `merge_group`, `release`, `schedule`, `workflow_dispatch`, … */
  readonly name: string;
  /** Full ref: `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/15/merge`. Empty for events without one. */
  readonly ref: string;
  /** Full commit id (40 or 64 hex digits) of the ref. Empty for events without one. The built commit may differ. */
  readonly sha: string;
  readonly repository: RepositoryFacts;
  readonly pullRequest?: { readonly number: number; readonly headSha?: string; readonly baseRef?: string };
  /** The commit of the triggering workflow run, and its branch unless it is in a fork. */
  readonly workflowRun?: { readonly headSha: string; readonly branch?: string };
  /** Base branch of a tag push or merge group as a full ref, if in the payload. */
  readonly baseRef?: string;
  /** `https://github.com/org/app/actions/runs/1/attempts/1` */
  readonly runUrl: string;
  /** With `workflow_run`: the event of the run that caused this one. */
  readonly causedBy?: string;
  readonly serverUrl: string;
  readonly apiUrl: string;
  readonly actor: string;
}

/** Naming for events without a ref. */
const WITHOUT_REF: Readonly<Record<string, string>> = {
  release:
    'A draft release has no git tag yet. Publish on `release: types: [published]`, or add `type=semver,pattern={{version}},value=${{ github.event.release.tag_name }}`',
  deployment: 'Add `type=raw,value=${{ github.event.deployment.ref }}`, or `type=sha`',
  deployment_status: 'Add `type=raw,value=${{ github.event.deployment.ref }}`, or `type=sha`',
  repository_dispatch:
    'Add `type=raw,value=${{ github.event.client_payload.tag }}` with a field of the payload, or `type=sha`',
};

/** What an event without a ref lacks, and which rules work for it. */
export function withoutRef({ name }: Pick<GitEvent, 'name'>): string {
  const hint = WITHOUT_REF[name] ?? 'Add `type=sha`, or write a tag out with `type=raw,value=…`';
  return `The event ${name} has no ref, and \`type=ref\` and versions without \`value=\` make no tag without one. ${hint}.`;
}

/** Why no rule of `tags` produced a tag, with an alternative. */
export function noTags(event: Pick<GitEvent, 'name' | 'ref'>): string {
  return event.ref === ''
    ? `There is no tag to publish. ${withoutRef(event)}`
    : `No rule of \`tags\` fits the event ${event.name} of ${event.ref}, so there is no tag to publish.`;
}

/** Whether a person started the run. */
export function isByHand({ name }: Pick<GitEvent, 'name'>): boolean {
  return name === 'workflow_dispatch';
}

export interface RepositoryFacts {
  readonly owner: string;
  readonly name: string;
  readonly url: string;
  /** Absent when not in the payload. */
  readonly description?: string;
  /** SPDX id. */
  readonly license?: string;
  readonly defaultBranch?: string;
  /**
   * True unless the payload says that the repository is public: provenance with build arguments is for public ones
   * only.
   */
  readonly isPrivate: boolean;
}

import { expect, test } from 'vitest';
import { mayNotPromote } from '../../../../src/domain/promotion/events.ts';

test.each([
  ['push', undefined],
  ['release', undefined],
  ['schedule', undefined],
  ['workflow_dispatch', undefined],
  ['workflow_run', 'push'],
  ['workflow_run', 'workflow_dispatch'],
])('%s, caused by %s, may promote', (event, cause) => {
  expect(mayNotPromote(event, cause)).toBeUndefined();
});

test.each([
  ['pull_request', undefined, 'the event pull_request'],
  ['pull_request_target', undefined, 'the event pull_request_target'],
  ['issue_comment', undefined, 'the event issue_comment'],
  // A payload may hold anything: only that of a `workflow_run` names a cause.
  ['pull_request', 'push', 'the event pull_request'],
  ['workflow_run', 'pull_request', 'a workflow run that the event pull_request had triggered'],
  ['workflow_run', 'issue_comment', 'a workflow run that the event issue_comment had triggered'],
  // What caused the run before that one is not known.
  ['workflow_run', 'workflow_run', 'a workflow run that the event workflow_run had triggered'],
  ['workflow_run', undefined, 'a workflow run that the event unknown had triggered'],
  ['workflow_call', undefined, 'the event workflow_call'],
  ['deployment_status', undefined, 'the event deployment_status'],
  ['', undefined, 'the event '],
])('%s, caused by %s, may not', (event, cause, what) => {
  expect(mayNotPromote(event, cause)).toContain(`This run was triggered by ${what}, which may not promote`);
});

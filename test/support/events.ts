import type { GitEvent } from '../../src/domain/event.ts';

/** An event of the repository octocat/Hello-World, as metadata-action's own tests have it; its default branch is master. */
export function gitEvent(changes: Partial<GitEvent> = {}): GitEvent {
  return {
    name: 'push',
    ref: 'refs/heads/dev',
    sha: '860c1904a1ce19322e91ac35af1ab07466440c37',
    repository: {
      owner: 'octocat',
      name: 'Hello-World',
      url: 'https://github.com/octocat/Hello-World',
      description: 'This your first repo!',
      license: 'MIT',
      defaultBranch: 'master',
      isPrivate: false,
    },
    runUrl: 'https://github.com/octocat/Hello-World/actions/runs/1/attempts/1',
    serverUrl: 'https://github.com',
    apiUrl: 'https://api.github.com',
    actor: 'octocat',
    ...changes,
  };
}

/** The push of a git tag. */
export function tagPush(tag: string, changes: Partial<GitEvent> = {}): GitEvent {
  return gitEvent({ ref: `refs/tags/${tag}`, ...changes });
}

/** Names under which the main step leaves what the post step must remove. */
export const STATE = { builder: 'builder', environment: 'docker-environment' } as const;

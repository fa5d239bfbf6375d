/** State that the main step leaves for the cleanup in the post step. */
export const STATE = { builder: 'builder', environment: 'docker-environment' } as const;

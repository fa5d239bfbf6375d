/** A full commit id, of SHA-1 or SHA-256, as git writes it. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

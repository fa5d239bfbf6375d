export const OUTCOMES = {
  successes: {
    verified: {
      about: 'Every required signature and attestation is present and was made by an expected signer.',
      heading: 'Verified',
    },
  },
  failed: 'Verification failed:',
} as const;

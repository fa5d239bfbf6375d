export const OUTCOMES = {
  successes: {
    'logged-in': {
      about: 'Logged in to every registry; later steps can use the credentials.',
      heading: 'Logged in to',
    },
  },
  failed: 'Login failed:',
} as const;

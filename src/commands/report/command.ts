import { defineCommand } from '../../run/define-command.ts';
import { INPUTS, RULES, reportInputs, WARNINGS } from './inputs.ts';
import { OUTCOMES } from './outcomes.ts';

export const report = defineCommand({
  name: 'report',
  about: '`report` shows what repositories have: images, sizes, ages, scan results, and drift between environments.',
  inputs: INPUTS,
  rules: RULES,
  warnings: WARNINGS,
  mayWrite: () => false,
  settings: reportInputs,
  instead: { tags: 'watch', config: 'setup' },
  outputs: {
    images: 'Number of images in all repositories.',
    'size-bytes': 'Bytes of all repositories, each blob once in its repository.',
    critical:
      'Number of CRITICAL vulnerabilities in watched images, the highest of any scanner. Empty when none was scanned.',
    high: 'Number of HIGH vulnerabilities, counted the same way.',
    unscanned: 'Number of watched images without a complete scan result.',
    drift: 'Number of differences between environments, without `behind`. Empty without `environments`.',
    'settings-drift':
      'Number of settings of registries that differ from the file in `setup`. Empty without it, or when none could be compared.',
    'metrics-file': 'Path of the metrics file, when `metrics-file` is set.',
  },
  outcomes: OUTCOMES.successes,
  failures: [
    ...(['invalid-input', 'findings', 'condition-met', 'registry-failed'] as const),
    ...(['trust-unavailable', 'cancelled', 'failed'] as const),
  ],
  situation: 'read',
  load: () => import('./program.ts'),
});

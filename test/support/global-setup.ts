import { findTrivy } from './trivy.ts';

/** Runs once, before all tests: the real scanner is there or nothing runs. */
export default async function setup(): Promise<void> {
  const { directory, origin } = await findTrivy();
  process.env.TEST_TRIVY_DIR = directory;
  console.log(`Trivy: ${origin}`);
}

import { isFields } from '../../../src/domain/fields.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { createTestRuntime } from '../runtime.ts';
import { applyAll } from './apply-all.ts';
import { plainTarget } from './plain-target.ts';

// node apply-process.ts <host> <repository> <steps as JSON>: applies steps in a process that a test can kill.

const [host = '', name = '', text = '[]'] = process.argv.slice(2);
const parsed: unknown = JSON.parse(text);
const isStep = (value: unknown): value is PlanStep => isFields(value) && typeof value.digest === 'string';
const steps = Array.isArray(parsed) ? parsed.filter(isStep) : [];
const runtime = await createTestRuntime({});
const report = await applyAll(await plainTarget(host, name, runtime), steps, runtime);
await runtime.dispose();
process.exitCode = report.errors.length === 0 && report.broken.length === 0 ? 0 : 1;

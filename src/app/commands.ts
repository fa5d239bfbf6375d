// Every command, one per line.
export { cleanup } from '../commands/cleanup/command.ts';
export { login } from '../commands/login/command.ts';
export { merge } from '../commands/merge/command.ts';
export { promote } from '../commands/promote/command.ts';
export { publish } from '../commands/publish/command.ts';
export { report } from '../commands/report/command.ts';
export { verify } from '../commands/verify/command.ts';

import type { Command } from '../run/define-command.ts';
import * as commands from './commands.ts';

/** Every command; the first is the default. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  commands.publish,
  ...Object.values(commands).filter((command) => command !== commands.publish),
];

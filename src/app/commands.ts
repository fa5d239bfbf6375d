import { login } from '../commands/login/command.ts';
import { promote } from '../commands/promote/command.ts';
import { publish } from '../commands/publish/command.ts';
import type { Command } from '../run/define-command.ts';

/** Every command. The first is the default. */
export const COMMANDS: readonly [Command, ...Command[]] = [publish, promote, login];

import type { ArmWrite } from './arm.ts';

/** One write, with what is only known when it is sent. */
export type AcrRequest = ArmWrite & {
  /** Name of the variable of the environment with the authorization header of a webhook. */
  readonly header?: string;
};

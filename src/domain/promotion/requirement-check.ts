/** Whether something is met; `detail` and `reason` are phrases for the record and the summary. */
export type RequirementCheck =
  | { readonly met: true; readonly detail: string }
  | { readonly met: false; readonly reason: string };

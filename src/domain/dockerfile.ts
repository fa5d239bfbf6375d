/** The base of a Dockerfile stage, and the steps that add an entry to the image history. */
export interface BuildSteps {
  /** As in the FROM, `node:24-slim`; undefined when it depends on unknown values. */
  readonly base?: string;
  /** Line of that FROM, from 1. */
  readonly baseLine: number;
  /** In order, starting with those of the stages that the last one is based on. */
  readonly steps: readonly { readonly keyword: string; readonly line: number }[];
}

interface Stage {
  readonly name: string | undefined;
  readonly from: string;
  readonly line: number;
  readonly steps: BuildSteps['steps'];
}

/**
 * FROM and ONBUILD add no entry.
 * https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert.go
 */
const STEPS =
  /^(RUN|COPY|ADD|WORKDIR|ENV|LABEL|CMD|ENTRYPOINT|EXPOSE|USER|VOLUME|ARG|STOPSIGNAL|HEALTHCHECK|SHELL|MAINTAINER)\s/i;
const MAX_CHARACTERS = 1_000_000;

/**
 * The steps of a stage, to attribute layers to them. Not a complete parser: unsupported syntax produces a list that
 * does not match the history, which is then not used.
 * @param target name of the stage, undefined for the last one
 * @param buildArgs `NAME=value`
 */
export function readBuildSteps(
  text: string,
  target: string | undefined,
  buildArgs: readonly string[],
): BuildSteps | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const values = new Map<string, string>();
  const stages: Stage[] = [];
  for (const { text: line, line: at } of instructionsOf(text)) {
    const [, from, name] = /^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? [];
    if (from !== undefined) {
      stages.push({ name: name?.toLowerCase(), from: filled(from, values), line: at, steps: [] });
      continue;
    }
    const stage = stages.pop();
    if (stage === undefined) {
      const [, argument, value = ''] = /^ARG\s+(\w+)(?:=["']?([^"'\s]*))?/i.exec(line) ?? [];
      if (argument !== undefined) values.set(argument, given(argument, buildArgs) ?? value);
      continue;
    }
    const keyword = STEPS.exec(line)?.[1]?.toUpperCase();
    stages.push(keyword === undefined ? stage : { ...stage, steps: [...stage.steps, { keyword, line: at }] });
  }
  const at = target === undefined ? stages.length - 1 : indexOf(stages, target);
  return stages[at] === undefined ? undefined : follow(stages, at);
}

function follow(stages: readonly Stage[], at: number): BuildSteps | undefined {
  const stage = stages[at];
  if (stage === undefined) return undefined;
  const before = indexOf(stages.slice(0, at), stage.from);
  const parent = before === -1 ? undefined : follow(stages, before);
  if (parent !== undefined) return { ...parent, steps: [...parent.steps, ...stage.steps] };
  return {
    ...(stage.from.includes('$') || stage.from === '' ? {} : { base: stage.from }),
    baseLine: stage.line,
    steps: stage.steps,
  };
}

function indexOf(stages: readonly Stage[], name: string): number {
  const wanted = name.toLowerCase();
  const byName = stages.findLastIndex((stage) => stage.name === wanted);
  return byName === -1 && /^\d+$/.test(name) && Number(name) < stages.length ? Number(name) : byName;
}

function given(name: string, buildArgs: readonly string[]): string | undefined {
  return buildArgs.find((argument) => argument.startsWith(`${name}=`))?.slice(name.length + 1);
}

function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
    (whole, braced?: string, fallback?: string, bare?: string) => {
      const value = values.get(braced ?? bare ?? '');
      return value || (fallback ?? whole);
    },
  );
}

/** Instructions without comments, with continued lines and here-documents joined, and the line where each begins. */
function instructionsOf(text: string): readonly { readonly text: string; readonly line: number }[] {
  const continuation = /^#\s*escape\s*=\s*`/im.test(text.split('\n').slice(0, 5).join('\n')) ? '`' : '\\';
  const lines = text.split(/\r?\n/);
  const found: { text: string; line: number }[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = at + 1;
    let whole = (lines[at] ?? '').trim();
    if (whole === '' || whole.startsWith('#')) continue;
    while (whole.endsWith(continuation) && at + 1 < lines.length) {
      at += 1;
      const next = (lines[at] ?? '').trim();
      // Comments and empty lines within a continued instruction are skipped.
      if (next !== '' && !next.startsWith('#')) whole = `${whole.slice(0, -1)}${next}`;
    }
    for (const [, word = ''] of /^(?:RUN|COPY|ADD)\s/i.test(whole) ? whole.matchAll(/<<-?\s*["']?(\w+)["']?/g) : []) {
      const end = lines.findIndex((each, index) => index > at && each.trim() === word);
      if (end !== -1) at = end;
    }
    found.push({ text: `${whole} `, line });
  }
  return found;
}

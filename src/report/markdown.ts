/**
 * Untrusted text (package names, tags, registry messages) in Markdown: without markup, HTML and line breaks, so that it
 * cannot change the summary that people base decisions on.
 */
export function plain(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
      .replaceAll(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll(/[\\`*_{}[\]()#+!|~]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  );
}

/** A sentence in which `…` is code and everything else plain text. */
export function prose(text: string): string {
  return text
    .split('`')
    .map((part, index, parts) => (index % 2 === 1 && index < parts.length - 1 ? code(part) : plain(part)))
    .join('');
}

/** From this length on, code without spaces may be broken, so that a cell is not wider than the page. */
const MAX_UNBROKEN = 80;

/** Inline code with any content. */
export function code(text: string): string {
  const parts = text.length > MAX_UNBROKEN ? text.split(/(?<=[,/|])/) : [text];
  return `<code>${parts.map(plain).join('<wbr>')}</code>`;
}

/** A table of Markdown cells, without empty columns. Empty without rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const isUsed = header.map((_title, at) => rows.some((row) => row[at] !== ''));
  const line = (cells: readonly string[]) => `| ${cells.filter((_cell, at) => isUsed[at]).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A collapsed section. `title` and `body` are Markdown. */
export function details(title: string, body: string, open = false): string {
  return `<details${open ? ' open' : ''}><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

/** `1m 05s`, `3.2s`: a duration in milliseconds, for people. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  return `${Math.floor(seconds / 60)}m ${String(Math.round(seconds % 60)).padStart(2, '0')}s`;
}

/** A block of code with any content. */
export function codeBlock(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

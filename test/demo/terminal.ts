import { Marked } from 'marked';
import { markedTerminal } from 'marked-terminal';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: ' ' };

/** A job summary as GitHub would show it, as far as a terminal can: tables, code, quotes; a diagram as one line. */
export function showMarkdown(markdown: string, width = 140): string {
  const marked = new Marked(markedTerminal({ width, reflowText: false, tab: 2, showSectionPrefix: false }));
  const text = markdown
    .replaceAll(/```mermaid\n([\s\S]*?)```/g, (_whole, diagram: string) => `**${labels(diagram)}**`)
    .replaceAll(/<code>(.*?)<\/code>/g, '`$1`')
    .replaceAll(/<details[^>]*><summary>(.*?)<\/summary>/g, '**$1**')
    .replaceAll(/<br\s*\/?>/g, '\n> ')
    .replaceAll(/<\/?(?:details|b)>/g, '')
    .replaceAll(/&#(\d+);/g, (_whole, digits: string) =>
      digits === '124' ? '¦' : String.fromCodePoint(Number(digits)),
    )
    .replaceAll(/&(amp|lt|gt|nbsp);/g, (_whole, name: string) => ENTITIES[name] ?? '');
  return String(marked.parse(text, { async: false })).trimEnd();
}

/** The diagram of a summary as one line: its nodes from left to right. */
export function showDiagram(markdown: string): string {
  return labels(/```mermaid\n([\s\S]*?)```/.exec(markdown)?.[1] ?? '');
}

/** The nodes of a flowchart, in their order. */
function labels(diagram: string): string {
  return [...diagram.matchAll(/\["([^"]+)"\]/g)].map(([, label]) => label).join('  →  ');
}

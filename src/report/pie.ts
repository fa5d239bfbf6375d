/** Slices that can be told apart on white and on black; the default ones are pale. */
const COLOURS =
  '%%{init: {"themeVariables": {"pie1": "#54aeff", "pie2": "#4ac26b", "pie3": "#d4a72c", "pie4": "#fb8f44", "pie5": "#ff8182", "pie6": "#c297ff", "pie7": "#ff80c8", "pie8": "#8c959f", "pieOpacity": "1", "pieStrokeWidth": "1px", "pieOuterStrokeWidth": "1px"}}}%%';

/** A pie for a job summary. Names may be of anybody: what could end a label is replaced. */
export function pie(title: string, slices: readonly (readonly [name: string, value: number])[]): string {
  return [
    '```mermaid',
    COLOURS,
    `pie showData title ${title}`,
    ...slices.map(([name, value]) => `  "${inLabel(name)}" : ${value}`),
    '```',
  ].join('\n');
}

function inLabel(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._:/@*-]/gu, '?').slice(0, 60);
}

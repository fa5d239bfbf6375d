import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { marked } from 'marked';

const resolve = createRequire(import.meta.url).resolve;
const STYLE = resolve('github-markdown-css/github-markdown-light.css');
const MERMAID = resolve('@mermaid-js/tiny/dist/mermaid.tiny.js');
const PURIFIER = resolve('dompurify/dist/purify.min.js');

/** Elements that GitHub leaves in Markdown, as far as its sanitizer is documented: https://github.github.com/gfm and html-pipeline. */
const ELEMENTS =
  'h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption abbr bdo cite dfn mark small source span time wbr input'.split(
    ' ',
  );
const ATTRIBUTES = 'href src alt title align open colspan rowspan start type checked disabled class width height'.split(
  ' ',
);

/** Runs in the page: what GitHub does to a job summary after the Markdown was read. */
const SCRIPT = `
  const body = document.querySelector('.markdown-body');
  const source = document.querySelector('#source').content.textContent;
  body.innerHTML = DOMPurify.sanitize(source, ${JSON.stringify({ ALLOWED_TAGS: ELEMENTS, ALLOWED_ATTR: ATTRIBUTES })});
  for (const code of body.querySelectorAll('code.language-mermaid')) {
    const diagram = document.createElement('div');
    diagram.className = 'mermaid';
    diagram.textContent = code.textContent;
    code.parentElement.replaceWith(diagram);
  }
  mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme: 'default' });
  window.ready = document.fonts.ready.then(() => mermaid.run()).then(() => true);
`;

const FRAME = `
  body { margin: 0; padding: 12px; background: #fff; }
  .frame { border: 1px solid #d1d9e0; border-radius: 6px; }
  .frame > header { padding: 10px 16px; font: 600 14px 'Liberation Sans', sans-serif; color: #1f2328; border-bottom: 1px solid #d1d9e0; background: #f6f8fa; border-radius: 6px 6px 0 0; }
  .markdown-body { padding: 16px; font-family: 'Liberation Sans', 'Noto Color Emoji', sans-serif; font-size: 14px; }
  .markdown-body code, .markdown-body pre { font-family: 'DejaVu Sans Mono', monospace; font-size: 85%; }
  .markdown-body .mermaid { text-align: center; margin-bottom: 16px; }
`;

/**
 * A job summary as GitHub shows it, as an HTML page whose script sets `window.ready`.
 * @param title of the job
 */
export async function summaryPage(title: string, summary: string): Promise<string> {
  const html = marked.parse(summary, { gfm: true, async: false });
  const style = await readFile(STYLE, 'utf8');
  const text = html.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><meta charset="utf-8"><style>${style}${FRAME}</style>
<body><div class="frame"><header>${title} summary</header><article class="markdown-body"></article></div>
<template id="source">${text}</template>
<script src="${pathToFileURL(PURIFIER)}"></script><script src="${pathToFileURL(MERMAID)}"></script>
<script>${SCRIPT}</script></body>`;
}

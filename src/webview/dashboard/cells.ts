import { html, type TemplateResult } from 'lit';
import { capitalized } from '../../protocol/figures.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

/** A cell with a row's line, which opens it in its file. */
export const lineCell = (
  { id }: Pick<RunView, 'id'>,
  { file, line }: { file: string; line: number },
  page: Page,
): TemplateResult => html`<td class="number"><button class="link" title="Open ${file} at line ${line}" aria-label="Open ${file} at line ${line}"
  @click=${() => page.post({ type: 'openRow', run: id, file, line })}>${line}</button></td>`;

/** Copies a table. @param what in lower case */
export const copyButton = (what: string, text: () => string, page: Page): TemplateResult => html`
  <button class="tool" title="Copy as CSV" aria-label="Copy ${what} as CSV" @click=${() => page.copy(text(), capitalized(what))}>
    <span class="codicon codicon-copy" aria-hidden="true"></span></button>`;

import { html, nothing, type TemplateResult } from 'lit';
import type { LabelScore, PromptColumn, WayOn } from '../../protocol/prompt-page.ts';
import { count, percent, plural, significant } from '../shared/format.ts';
import type { Actions } from './actions.ts';
import type { Piece } from './differences.ts';
import type { CellState, Failure } from './store.ts';

/** An answer as it stands, or what became of it. */
export function answerView(cell: CellState, pieces: readonly Piece[] | null): TemplateResult {
  const { text, end, waiting, notes, labels, failure } = cell;
  return html`
    ${labels.length > 0 ? labelBars(labels) : nothing}
    ${
      labels.length === 0 || text !== ''
        ? html`<p class="text">${
            pieces && end ? pieces.map(({ text, differs }) => (differs ? html`<mark>${text}</mark>` : text)) : text
          }${end === null && waiting === null ? html`<span class="cursor" aria-hidden="true"></span>` : nothing}${
            end && text === '' && !failure && end.reason !== 'cancelled'
              ? html`<span class="muted">(nothing)</span>`
              : nothing
          }</p>`
        : nothing
    }
    ${waiting ? html`<p class="muted">${waiting}</p>` : nothing}
    ${notes.map((note) => html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span>${note}</p>`)}`;
}

/** How likely each label is, the likeliest first as they come. */
const labelBars = (labels: readonly LabelScore[]): TemplateResult => html`<table class="labels">
  <caption class="visually-hidden">Probabilities of the labels</caption>
  <tbody>${labels.map(
    ({ label, score }, i) => html`<tr class=${i === 0 ? 'first' : ''}>
      <th scope="row">${label}</th>
      <td class="bar" aria-hidden="true"><svg width="100%" height="8" preserveAspectRatio="none" viewBox="0 0 100 8"><rect width=${100 * score} height="8"></rect></svg></td>
      <td class="number">${percent(score)}</td>
    </tr>`,
  )}</tbody>
</table>`;

/** How an answer ended, how long it is, and how long it took. */
export function endWords({ end }: CellState): string {
  if (!end) return '';
  const { tokens, ms, reason } = end;
  if (reason === 'cancelled') return 'Stopped';
  const seconds = ms / 1000;
  const rate = tokens !== null && tokens > 1 && seconds > 0 ? `, ${significant(tokens / seconds, 2)} a second` : '';
  return [
    ...(tokens === null ? [] : [`${plural(tokens, 'token')}${rate}`]),
    ms < 1000 ? `${count(Math.round(ms))} ms` : `${significant(seconds)} s`,
    ...(reason === 'length' ? ['stopped at the token limit'] : []),
    ...(reason === 'positions' ? ['stopped at the end of the model’s context'] : []),
  ].join(' · ');
}

/** What went wrong, with the ways on as buttons. */
export const failureView = (
  { error: { message, hint }, ways }: Failure,
  actions: Actions,
  more: TemplateResult | typeof nothing = nothing,
): TemplateResult => html`<div class="banner banner-error" role="alert">
  <span class="codicon codicon-error" aria-hidden="true"></span>
  <div class="banner-text">
    <p><strong>${message}</strong>${hint ? ` ${hint}` : ''}</p>
    ${ways.length > 0 || more !== nothing ? html`<div class="buttons">${wayButtons(ways, actions)}${more}</div>` : nothing}
  </div>
</div>`;

export const wayButtons = (ways: readonly WayOn[], { post }: Actions) =>
  ways.map(
    ({ way, label, of }) =>
      html`<vscode-button secondary @click=${() => post({ type: 'follow', way, of })}>${label}</vscode-button>`,
  );

/** Which model, and where it is. */
export const columnName = ({ name, detail, remote }: PromptColumn): TemplateResult =>
  html`<span class="column-name">${name}</span>${
    detail ? html` <span class="muted">${detail}</span>` : nothing
  }${remote ? html` <span class="remote" title=${`Prompts are sent to ${remote}`}><span class="codicon codicon-cloud" aria-hidden="true"></span>${remote}</span>` : nothing}`;

import { html, nothing, type TemplateResult } from 'lit';
import { unknownTokens } from '../../protocol/figures.ts';
import { percent, significant } from '../shared/format.ts';
import { type CorrectionActions, correction } from './correct.ts';
import { keyOf, labelsOf, type Result, ranked, type TextAnswer, type TryoutStore } from './store.ts';

const SHOWN = 5;

export interface ResultActions extends CorrectionActions {
  showAll(): void;
}

/** Labels of one text or pair with their probabilities, the base's beside the tuned model's, and the way to correct it. */
export const resultView = (
  result: Result<TextAnswer>,
  index: number,
  store: TryoutStore,
  all: boolean,
  actions: ResultActions,
): TemplateResult => {
  const { text, text_pair: pair, tuned, base } = result;
  const scores = ranked(tuned);
  const shown = all ? scores : scores.slice(0, SHOWN);
  const expected = store.picked && keyOf(store.picked) === keyOf(result) ? store.picked.label : null;
  return html`<article class="result" aria-labelledby="text-${index}">
    <div id="text-${index}"><p class="text">${text}</p>${pair === undefined ? nothing : html`<p class="text second">${pair}</p>`}</div>
    ${
      expected === null
        ? nothing
        : html`<p class="expected">
            ${'label' in tuned ? html`<span class="codicon codicon-${expected === tuned.label ? 'pass' : 'error'} ${expected === tuned.label ? 'good' : 'bad'}" aria-hidden="true"></span>` : nothing}
            ${store.picked!.file}, line ${store.picked!.line} says <strong>${expected}</strong>
          </p>`
    }
    ${'value' in tuned ? numberShown(result) : nothing}
    ${'labels' in tuned && tuned.labels.length === 0 ? html`<p class="expected">No label is likely enough.</p>` : nothing}
    ${
      scores.length === 0
        ? nothing
        : html`<table class="scores">
      <thead class=${base ? '' : 'visually-hidden'}><tr>
        <th scope="col">Label</th><th scope="col">Fine-tuned</th>${base ? html`<th scope="col">Base model</th>` : nothing}
      </tr></thead>
      <tbody>${shown.map(
        ({ label, score }) => html`<tr class=${labelsOf(tuned).includes(label) ? 'first' : ''}>
          <th scope="row">${label}</th>
          ${bar(score, 'tuned')}
          ${base && 'scores' in base ? bar(base.scores[label] ?? 0, labelsOf(base).includes(label) ? 'base base-first' : 'base') : nothing}
        </tr>`,
      )}</tbody>
    </table>`
    }
    ${!('unknown_tokens' in tuned) || tuned.unknown_tokens === undefined ? nothing : html`<p class="expected">${unknownTokens(tuned.unknown_tokens)}</p>`}
    ${'truncated' in tuned && tuned.truncated ? html`<p class="expected">The text is longer than the model reads; a part of it is left out</p>` : nothing}
    <div class="under">
      ${
        scores.length > SHOWN
          ? html`<button class="link" aria-expanded=${all} @click=${() => actions.showAll()}>${all ? 'Show fewer labels' : `Show all ${scores.length} labels`}</button>`
          : nothing
      }
      ${correction(result, index, store, actions)}
    </div>
  </article>`;
};

/** A number, and the base's beside it. */
const numberShown = ({ tuned, base }: Result): TemplateResult =>
  html`<p class="value"><strong>${'value' in tuned ? significant(tuned.value) : ''}</strong>${
    base && 'value' in base ? html` <span class="muted">base model: ${significant(base.value)}</span>` : nothing
  }</p>`;

const bar = (score: number, className: string): TemplateResult =>
  html`<td class=${className}><div class="bar"><progress max="1" .value=${score} aria-hidden="true"></progress><span class="number">${percent(score)}</span></div></td>`;

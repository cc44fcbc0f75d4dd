import { html, nothing, type TemplateResult } from 'lit';
import { percent } from '../shared/format.ts';
import { type Result, ranked, type TryoutStore } from './store.ts';

const SHOWN = 5;

export interface ResultActions {
  add(text: string, label: string): void;
  showAll(): void;
}

/** One line's labels with their probabilities, the base's beside the tuned model's, and the way to correct it. */
export const resultView = (
  result: Result,
  index: number,
  store: TryoutStore,
  all: boolean,
  actions: ResultActions,
): TemplateResult => {
  const { text, tuned, base } = result;
  const scores = ranked(tuned);
  const shown = all ? scores : scores.slice(0, SHOWN);
  const expected = store.picked?.text === text ? store.picked.label : null;
  return html`<article class="result" aria-labelledby="text-${index}">
    <p class="text" id="text-${index}">${text}</p>
    ${
      expected === null
        ? nothing
        : html`<p class="expected">
            <span class="codicon codicon-${expected === tuned.label ? 'pass' : 'error'} ${expected === tuned.label ? 'good' : 'bad'}" aria-hidden="true"></span>
            ${store.picked!.file}, line ${store.picked!.line} says <strong>${expected}</strong>
          </p>`
    }
    <table class="scores">
      <thead class=${base ? '' : 'visually-hidden'}><tr>
        <th scope="col">Label</th><th scope="col">Fine-tuned</th>${base ? html`<th scope="col">Base</th>` : nothing}
      </tr></thead>
      <tbody>${shown.map(
        ({ label, score }) => html`<tr class=${label === tuned.label ? 'first' : ''}>
          <th scope="row">${label}</th>
          ${bar(score, 'tuned')}
          ${base ? bar(base.scores[label] ?? 0, label === base.label ? 'base base-first' : 'base') : nothing}
        </tr>`,
      )}</tbody>
    </table>
    <div class="under">
      ${
        scores.length > SHOWN
          ? html`<button class="link" aria-expanded=${all} @click=${() => actions.showAll()}>${all ? 'Fewer labels' : `All ${scores.length} labels`}</button>`
          : nothing
      }
      ${correction(result, index, store, actions)}
    </div>
  </article>`;
};

const bar = (score: number, className: string): TemplateResult =>
  html`<td class=${className}><div class="bar"><progress max="1" .value=${score} aria-hidden="true"></progress><span class="number">${percent(score)}</span></div></td>`;

const correction = (
  { text, tuned }: Result,
  index: number,
  store: TryoutStore,
  actions: ResultActions,
): TemplateResult | typeof nothing => {
  const { models } = store;
  if (!models?.dataset) return nothing;
  const added = store.added.get(text);
  if (added)
    return html`<span class="added" role="status"><span class="codicon codicon-check" aria-hidden="true"></span>Added to ${added.dataset} as ${added.label}</span>`;
  return html`<span class="correct">
    <label class="visually-hidden" for="label-${index}">Right label</label>
    <vscode-single-select id="label-${index}" combobox aria-label="Right label">
      ${models.tuned.labels.map((label) => html`<vscode-option value=${label} ?selected=${label === tuned.label}>${label}</vscode-option>`)}
    </vscode-single-select>
    <vscode-button secondary icon="add" title="Add the text with this label to ${models.dataset}"
      @click=${(event: Event) => {
        const select = (event.currentTarget as HTMLElement).parentElement?.querySelector('vscode-single-select');
        actions.add(text, select?.value || tuned.label);
      }}>Add to Data Set</vscode-button>
  </span>`;
};

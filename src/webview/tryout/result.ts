import { html, nothing, type TemplateResult } from 'lit';
import { unknownTokens } from '../../protocol/figures.ts';
import type { Texts } from '../../protocol/service.ts';
import { percent, significant } from '../shared/format.ts';
import { keyOf, labelsOf, type Result, ranked, type TextAnswer, type TryoutStore } from './store.ts';

const SHOWN = 5;

export interface ResultActions {
  /** Notes the label that the person chose for a text or a pair. */
  choose(texts: Texts, label: string): void;
  add(texts: Texts, label: string, anyway: boolean): void;
  undo(texts: Texts): void;
  open(file: string, line: number): void;
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

const correction = (
  result: Result<TextAnswer>,
  index: number,
  store: TryoutStore,
  actions: ResultActions,
): TemplateResult | typeof nothing => {
  const { models } = store;
  // A row of a file has one class; lists and numbers are written by hand.
  if (!models?.dataset || !('label' in result.tuned)) return nothing;
  const key = keyOf(result);
  const added = store.added.get(key);
  if (added)
    return html`<span class="added" role="status">
      <span><span class="codicon codicon-check" aria-hidden="true"></span>Added to ${added.dataset} as ${added.label}</span>
      <button class="link" @click=${() => actions.undo(result)}>Undo</button>
      <button class="link" @click=${() => actions.open(added.file, added.line)}>Open</button>
    </span>`;
  const stands = store.stands.get(key);
  if (stands) return standing(stands, store, actions);
  const chosen = store.chosen.get(key) ?? '';
  const add = (): void => {
    const label = store.chosen.get(key);
    if (label) actions.add(result, label, false);
  };
  return html`<span class="correct">
    <label class="visually-hidden" for="label-${index}">Correct label</label>
    <vscode-single-select id="label-${index}" combobox label="Correct label" .value=${chosen}
      @change=${(event: Event) => actions.choose(result, (event.target as HTMLInputElement).value)}>
      <vscode-option value="" ?selected=${chosen === ''}>Correct label…</vscode-option>
      ${models.tuned.labels.map((label) => html`<vscode-option value=${label} ?selected=${label === chosen}>${label}</vscode-option>`)}
    </vscode-single-select>
    <vscode-button secondary icon="add" ?disabled=${chosen === ''}
      title=${chosen === '' ? 'Choose the correct label first' : `Add the ${result.text_pair === undefined ? 'text' : 'pair'} to ${models.dataset} as ${chosen}`}
      @click=${add}>Add to Dataset</vscode-button>
  </span>`;
};

/** The text is in the data: said with its place before there are two, perhaps of different classes. */
const standing = (
  stands: NonNullable<ReturnType<TryoutStore['stands']['get']>>,
  store: TryoutStore,
  actions: ResultActions,
): TemplateResult => {
  const { label, dataset, rows } = stands;
  const other = rows.find((row) => row.label !== label) ?? rows[0]!;
  const isConflict = other.label !== label;
  return html`<div class="banner banner-warning standing" role="alert">
    <span class="codicon codicon-warning" aria-hidden="true"></span>
    <p>This ${stands.text_pair === undefined ? 'text' : 'pair'} is already in ${dataset}, on <button class="link" @click=${() => actions.open(other.file, other.line)}>line ${other.line}</button>, ${
      isConflict
        ? html`as <strong>${other.label}</strong>. If you also add it as <strong>${label}</strong>, the model learns both.`
        : html`with the same label.`
    }</p>
    <span class="standing-actions">
      <vscode-button secondary @click=${() => actions.open(other.file, other.line)}>Open Line ${other.line}</vscode-button>
      <vscode-button secondary @click=${() => actions.add(stands, label, true)}>Add Anyway</vscode-button>
      <vscode-button secondary @click=${() => {
        store.stands.delete(keyOf(stands));
        actions.choose(stands, '');
      }}>Cancel</vscode-button>
    </span>
  </div>`;
};

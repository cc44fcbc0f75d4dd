import { html, nothing, type TemplateResult } from 'lit';
import type { Texts } from '../../protocol/answers.ts';
import { labelText } from '../../protocol/dataset.ts';
import { isTagged, keyOf, type Result, type TryoutStore } from './store.ts';
import { tagsOf, type Word, wordsOf } from './words.ts';

/** What a person does about a wrong answer. Several labels, and tags, are a JSON list, as rows keep them. */
export interface CorrectionActions {
  /** Notes what the person chose for a text or a pair. */
  choose(texts: Texts, label: string): void;
  add(texts: Texts, label: string, anyway: boolean): void;
  undo(texts: Texts): void;
  open(file: string, line: number): void;
}

/** The way to correct an answer: a row with the right one goes to the data. */
export function correction(
  result: Result,
  index: number,
  store: TryoutStore,
  actions: CorrectionActions,
): TemplateResult | typeof nothing {
  const { models } = store;
  // A number is written by hand.
  if (!models?.dataset || 'value' in result.tuned) return nothing;
  const added = store.added.get(keyOf(result));
  if (added)
    return html`<span class="added" role="status">
      <span><span class="codicon codicon-check" aria-hidden="true"></span>Added to ${added.dataset}${isTagged(result.tuned) ? nothing : ` as ${labelText(models.tuned.task, added.label)}`}</span>
      <button class="link" @click=${() => actions.undo(result)}>Undo</button>
      <button class="link" @click=${() => actions.open(added.file, added.line)}>Open</button>
    </span>`;
  const stands = store.stands.get(keyOf(result));
  if (stands) return standing(stands, store, actions);
  if (isTagged(result.tuned)) return tagsChoice(result, store, actions);
  return 'labels' in result.tuned ? labelsChoice(result, store, actions) : classChoice(result, index, store, actions);
}

function classChoice(result: Result, index: number, store: TryoutStore, actions: CorrectionActions): TemplateResult {
  const { tuned, dataset } = store.models!;
  const key = keyOf(result);
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
      ${tuned.labels.map((label) => html`<vscode-option value=${label} ?selected=${label === chosen}>${label}</vscode-option>`)}
    </vscode-single-select>
    <vscode-button secondary icon="add" ?disabled=${chosen === ''}
      title=${chosen === '' ? 'Choose the correct label first' : `Add the ${result.text_pair === undefined ? 'text' : 'pair'} to ${dataset} as ${chosen}`}
      @click=${add}>Add to Dataset</vscode-button>
  </span>`;
}

/** A list that was chosen, or what the model answered. */
const listOf = (store: TryoutStore, result: Result, answered: readonly string[]): string[] => {
  const chosen = store.chosen.get(keyOf(result));
  return chosen === undefined ? [...answered] : (JSON.parse(chosen) as string[]);
};

function labelsChoice(result: Result, store: TryoutStore, actions: CorrectionActions): TemplateResult {
  const { tuned, dataset } = store.models!;
  const labels = listOf(store, result, 'labels' in result.tuned ? result.tuned.labels : []);
  // Sorted, as rows have them: the same labels are the same text.
  const written = (set: readonly string[]) => JSON.stringify([...set].sort());
  const turn = (label: string) =>
    actions.choose(
      result,
      written(labels.includes(label) ? labels.filter((other) => other !== label) : [...labels, label]),
    );
  return html`<details class="corrections">
    <summary>Correct labels</summary>
    <div class="choices" role="group" aria-label="Correct labels">${tuned.labels.map(
      (label) =>
        html`<vscode-checkbox label=${label} ?checked=${labels.includes(label)} @change=${() => turn(label)}></vscode-checkbox>`,
    )}</div>
    <vscode-button secondary icon="add"
      title=${`Add the ${result.text_pair === undefined ? 'text' : 'pair'} to ${dataset} as ${labels.join(', ') || 'no label'}`}
      @click=${() => actions.add(result, written(labels), false)}>Add to Dataset</vscode-button>
  </details>`;
}

/** The words of a result's text. */
export const wordsIn = (store: TryoutStore, texts: Texts): Word[] =>
  wordsOf(texts.text, store.picked && keyOf(store.picked) === keyOf(texts) ? store.picked.words : null);

function tagsChoice(result: Result, store: TryoutStore, actions: CorrectionActions): TemplateResult {
  const { tuned, dataset } = store.models!;
  const words = wordsIn(store, result);
  const tags = listOf(store, result, tagsOf(words, isTagged(result.tuned) ? result.tuned.entities : [], tuned.labels));
  return html`<details class="corrections">
    <summary>Correct tags</summary>
    <ol class="choices words" aria-label="Words and their tags">${words.map(
      ({ word }, i) => html`<li class=${tags[i] === 'O' ? '' : 'tagged'}><label><span class="word">${word}</span>
        <select aria-label=${`Tag of “${word}”`} @change=${(event: Event) =>
          actions.choose(
            result,
            JSON.stringify(tags.map((tag, j) => (j === i ? (event.target as HTMLSelectElement).value : tag))),
          )}>${tuned.labels.map((label) => html`<option value=${label} ?selected=${label === tags[i]}>${label}</option>`)}</select>
      </label></li>`,
    )}</ol>
    <vscode-button secondary icon="add" title=${`Add the sentence with these tags to ${dataset}`}
      @click=${() => actions.add(result, JSON.stringify(tags), false)}>Add to Dataset</vscode-button>
  </details>`;
}

/** The text is in the data: said with its place before there are two, perhaps with different answers. */
function standing(
  stands: NonNullable<ReturnType<TryoutStore['stands']['get']>>,
  store: TryoutStore,
  actions: CorrectionActions,
): TemplateResult {
  const { task } = store.models!.tuned;
  const { label, dataset, rows } = stands;
  const other = rows.find((row) => row.label !== label) ?? rows[0]!;
  const isSame = other.label === label;
  const isTags = task === 'token-classification';
  const what = isTags ? 'sentence' : stands.text_pair === undefined ? 'text' : 'pair';
  const [same, different] = isTags
    ? ['with the same tags.', html`with other tags. If you also add these, the model learns both.`]
    : [
        task === 'multi_label_classification' ? 'with the same labels.' : 'with the same label.',
        html`as <strong>${labelText(task, other.label)}</strong>. If you also add it as <strong>${labelText(task, label)}</strong>, the model learns both.`,
      ];
  return html`<div class="banner banner-warning standing" role="alert">
    <span class="codicon codicon-warning" aria-hidden="true"></span>
    <p>This ${what} is already in ${dataset}, on <button class="link" @click=${() => actions.open(other.file, other.line)}>line ${other.line}</button>, ${isSame ? same : different}</p>
    <span class="standing-actions">
      <vscode-button secondary @click=${() => actions.open(other.file, other.line)}>Open Line ${other.line}</vscode-button>
      <vscode-button secondary @click=${() => actions.add(stands, label, true)}>Add Anyway</vscode-button>
      <vscode-button secondary @click=${() => {
        store.stands.delete(keyOf(stands));
        actions.choose(stands, '');
      }}>Cancel</vscode-button>
    </span>
  </div>`;
}

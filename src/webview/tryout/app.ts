import type { VscodeTextarea } from '@vscode-elements/elements/dist/vscode-textarea/vscode-textarea.js';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { MaskPrediction, TagPrediction } from '../../protocol/answers.ts';
import { labelText } from '../../protocol/dataset.ts';
import { splitPair } from '../../protocol/pair.ts';
import type { TryoutMessage, TryoutRequest } from '../../protocol/tryout-page.ts';
import { failureBanner } from '../shared/failure.ts';
import { focusInput, moveFocus } from '../shared/focus.ts';
import { percent, plural, significant } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { wordsIn } from './correct.ts';
import { entitiesView } from './entities.ts';
import { masksView } from './masks.ts';
import { type ResultActions, resultView } from './result.ts';
import {
  type HistoryEntry,
  headline,
  isFilled,
  isTagged,
  keyOf,
  MAX_LINES,
  type Result,
  type TextAnswer,
  TryoutStore,
  textsOf,
} from './store.ts';

/** Pause in typing after which the model is asked, in ms. */
const TYPING_PAUSE = 200;
/** Rest after which what stands there goes into the history, in ms. */
const REST = 1500;

const said = ({ label, score }: { label: string; score: number | null }): string =>
  score === null ? label : `${label}, ${percent(score)}`;

/** Type lines, see labels: the fine-tuned model's beside the base's; or what a masked model puts in the place of a mask. */
@customElement('luthier-tryout')
export class TryoutElement extends LightElement {
  @property({ attribute: false }) host!: Host<TryoutMessage, TryoutRequest>;
  @state() private allLabels = false;
  @state() private announced = '';
  @query('vscode-textarea') private input!: VscodeTextarea;

  readonly store = new TryoutStore();
  #typing: ReturnType<typeof setTimeout> | undefined;
  #resting: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => this.#receive(message));
    this.host.post({ type: 'ready' });
  }

  #receive(message: TryoutMessage): void {
    const first = this.store.models === null && message.type === 'snapshot';
    this.store.apply(message);
    if (message.type === 'snapshot' || message.type === 'row') this.#ask();
    if (message.type === 'predictions' && this.store.results.length > 0) {
      const [first] = this.store.results;
      this.announced =
        this.store.results.length === 1
          ? said(headline(first!.tuned))
          : `${plural(this.store.results.length, 'text')} predicted`;
      clearTimeout(this.#resting);
      this.#resting = setTimeout(() => this.#remember(), REST);
    }
    if (message.type === 'added') {
      const { task } = this.store.models!.tuned;
      const as = task === 'token-classification' ? '' : ` as ${labelText(task, message.label)}`;
      this.announced = `Added to ${message.dataset}${as}`;
    }
    if (message.type === 'undone') this.announced = 'Row removed again';
    this.#changed();
    // The page opens ready to type into.
    if (first) void this.updateComplete.then(() => this.#focus());
  }

  #focus(): void {
    focusInput(this.input);
  }

  #changed(): void {
    this.requestUpdate();
    this.host.keep(this.store.kept());
  }

  #edit(field: 'text' | 'textPair', text: string): void {
    const { store } = this;
    const both = field === 'text' && store.pair && store.textPair === '' ? splitPair(text.trim()) : null;
    // Both texts of a pair, pasted together.
    if (both?.text_pair) store.fill({ text: both.text, text_pair: both.text_pair });
    else store[field] = text;
    clearTimeout(this.#typing);
    clearTimeout(this.#resting);
    this.#typing = setTimeout(() => this.#ask(), TYPING_PAUSE);
    this.#changed();
  }

  #ask(): void {
    clearTimeout(this.#typing);
    const request = this.store.request();
    if (request) this.host.post(request);
    this.#changed();
  }

  #remember(): void {
    if (this.store.remember()) this.#changed();
  }

  #recall(entry: HistoryEntry): void {
    this.#remember();
    this.store.fill(entry);
    this.#ask();
    this.#focus();
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#remember();
      this.store.fill({ text: '' });
      this.#ask();
      this.#focus();
    } else if (event.key === 'ArrowUp' && this.store.text + this.store.textPair === '' && this.store.history[0]) {
      event.preventDefault();
      this.#recall(this.store.history[0]);
    }
  }

  #moveInHistory(event: KeyboardEvent): void {
    moveFocus(event, this, '.history button.entry');
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { models } = store;
    if (!models) {
      return store.failure
        ? html`<div class="page-empty">${this.#failure()}</div>`
        : html`<p class="empty page-empty" role="status">${store.loading ?? 'Loading the model…'}</p>`;
    }
    const { task, labels } = models.tuned;
    const isTags = task === 'token-classification';
    const counted = task === 'regression' ? 'A number' : plural(labels.length, isTags ? 'tag' : 'label');
    const answers = store.mask === undefined ? counted : `Fills in ${store.mask}`;
    return html`
      <header class="tryout-header">
        <h1>${models.tuned.name}</h1>
        <p class="muted">${answers}${models.rows ? '' : ' · base model'}${models.base ? ` · base model: ${models.base.name}` : ''}</p>
      </header>
      <div class="layout">
        <section class="ask" aria-label=${`Input and ${this.#appearing.toLowerCase()}`}>
          ${this.#fields()}
          <div class="ask-tools">
            ${models.rows ? html`<vscode-button secondary icon="list-selection" title="Try a row of the dataset" @click=${() => this.host.post({ type: 'pickRow' })}>Pick a Row…</vscode-button>` : nothing}
            ${store.mask === undefined ? nothing : html`<vscode-button secondary icon="insert" title=${`Put ${store.mask} at the cursor`} @keydown=${this.#pressed} @click=${() => this.#insertMask(store.mask!)}>Insert ${store.mask}</vscode-button>`}
            <vscode-button secondary icon="symbol-class" title="Try another model on the same text" @click=${() => this.host.post({ type: 'chooseModel' })}>Choose Model…</vscode-button>
            ${
              models.base
                ? html`<vscode-checkbox label="Compare with base model" ?checked=${store.compare} @change=${(
                    event: Event,
                  ) => {
                    store.compare = (event.target as HTMLInputElement).checked;
                    this.#ask();
                  }}></vscode-checkbox>`
                : nothing
            }
            <span class="status muted" role="status">${this.#status()}</span>
          </div>
          ${models.template_note ? html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span><span>${models.template_note}</span></p>` : nothing}
          ${models.base_note ? html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span>${models.base_note}</p>` : nothing}
          ${store.unmasked > 0 && store.asked.length > 0 ? html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span><span>${plural(store.unmasked, 'text')} without ${store.mask} ${store.unmasked === 1 ? 'is' : 'are'} not answered.</span></p>` : nothing}
          ${this.#failure()}
          ${this.#results()}
        </section>
        ${this.#history()}
      </div>
      <div class="visually-hidden" role="status" aria-live="polite">${this.announced}</div>`;
  }

  /** The key that presses the button is not written into the field, which has the focus by then. */
  readonly #pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') event.preventDefault();
  };

  /** Puts the mask where the cursor is, in the place of what is selected, and goes on behind it. */
  #insertMask(mask: string): void {
    const area = this.input.wrappedElement;
    const { selectionStart: start, selectionEnd: end } = area;
    const { text } = this.store;
    this.#edit('text', text.slice(0, start) + mask + text.slice(end));
    void this.updateComplete.then(async () => {
      await this.input.updateComplete;
      area.focus();
      area.setSelectionRange(start + mask.length, start + mask.length);
    });
  }

  /** A field for texts, one a line; for a model of pairs a field for each text of one pair, called as its data do. */
  #fields(): TemplateResult {
    const { store } = this;
    const { pair } = store;
    const field = (of: 'text' | 'textPair', label: string, placeholder: string, rows: number): TemplateResult =>
      html`<vscode-textarea .label=${label} placeholder=${placeholder} rows=${rows} resize="vertical" .value=${store[of]}
        @input=${(event: Event) => this.#edit(of, (event.target as VscodeTextarea).value)} @keydown=${this.#key}></vscode-textarea>`;
    const { mask } = store;
    if (mask !== undefined)
      return field('text', `Texts with ${mask}, one per line`, `Type a text with ${mask} in the place of a word`, 4);
    if (!pair) return field('text', 'Texts, one per line', 'Type or paste one text, or several, one per line', 4);
    const named = (place: string, column: string) =>
      html`<label class="field-name">${place} text <span class="muted">(${column})</span></label>`;
    return html`<div class="pair">
      <div>${named('First', pair.text)}${field('text', `First text, ${pair.text}`, 'Type or paste the first text', 4)}</div>
      <div>${named('Second', pair.text_pair)}${field('textPair', `Second text, ${pair.text_pair}`, 'Type or paste the second text', 4)}</div>
    </div>`;
  }

  #status(): TemplateResult | string {
    const { store } = this;
    if (store.loading)
      return html`<span class="codicon codicon-loading codicon-modifier-spin" aria-hidden="true"></span> ${store.loading}
        <vscode-button secondary @click=${() => this.host.post({ type: 'cancel' })}>Cancel</vscode-button>`;
    if (store.cancelled)
      return html`Cancelled <vscode-button secondary @click=${() => this.#ask()}>Try Again</vscode-button>`;
    if (store.took === null || store.results.length === 0) return '';
    return store.took < 1000 ? `${Math.max(1, Math.round(store.took))} ms` : `${significant(store.took / 1000, 2)} s`;
  }

  #failure(): TemplateResult | typeof nothing {
    const { failure } = this.store;
    if (!failure) return nothing;
    const retries: Record<string, () => void> = {
      predict: () => this.#ask(),
      ready: () => this.host.post({ type: 'ready' }),
    };
    return failureBanner(failure.error, this.host, retries[failure.request] ?? null);
  }

  get #appearing(): string {
    const task = this.store.models?.tuned.task;
    if (this.store.mask !== undefined) return 'Candidates';
    return task === 'token-classification' ? 'Entities' : task === 'regression' ? 'Values' : 'Labels';
  }

  #results(): TemplateResult | typeof nothing {
    const { store } = this;
    if (store.results.length === 0) {
      if (store.waiting || store.failure || store.cancelled) return nothing;
      const fields = store.pair ? 'fields' : 'field';
      if (store.unmasked > 0)
        return html`<p class="empty" role="status">Write ${store.mask} in the place of a word, and the model fills it in.</p>`;
      return html`<p class="empty">${store.isHalf ? `${this.#appearing} appear once both texts are there.` : `${this.#appearing} appear as you type. Press Ctrl+Enter to keep the texts and clear the ${fields}.`}</p>`;
    }
    const more = store.asked.length - MAX_LINES;
    const actions: ResultActions = {
      choose: (texts, label) => {
        if (label === '') store.chosen.delete(keyOf(texts));
        else store.chosen.set(keyOf(texts), label);
        this.#changed();
      },
      add: (texts, label, anyway) => {
        const isTags = store.models?.tuned.task === 'token-classification';
        const words = isTags ? { words: wordsIn(store, texts).map(({ word }) => word) } : {};
        this.host.post({ type: 'addRow', ...textsOf(texts), ...words, label, anyway });
      },
      undo: (texts) => this.host.post({ type: 'undoRow', ...textsOf(texts) }),
      open: (file, line) => this.host.post({ type: 'openRow', file, line }),
      showAll: () => {
        this.allLabels = !this.allLabels;
      },
    };
    return html`<div class="results ${store.stale ? 'stale' : ''}">
      ${store.results.map((result, i) =>
        isTagged(result.tuned)
          ? entitiesView(result as Result<TagPrediction>, i, store, actions)
          : isFilled(result.tuned)
            ? masksView(result as Result<MaskPrediction>, i, store.mask ?? '')
            : resultView(result as Result<TextAnswer>, i, store, this.allLabels, actions),
      )}
      ${more > 0 ? html`<p class="empty">${plural(more, 'more line is', 'more lines are')} left out. Evaluate on File measures a whole file.</p>` : nothing}
    </div>`;
  }

  #history(): TemplateResult {
    const { store } = this;
    return html`<section class="history" aria-labelledby="history-title">
      <div class="section-head">
        <h2 id="history-title">Earlier texts</h2>
        ${
          store.history.length > 0
            ? html`<button class="tool" title="Clear" aria-label="Clear earlier texts" @click=${() => {
                store.history = [];
                this.#changed();
              }}><span class="codicon codicon-clear-all" aria-hidden="true"></span></button>`
            : nothing
        }
      </div>
      ${
        store.history.length === 0
          ? html`<p class="empty">Texts that you have tried appear here.</p>`
          : html`<ul @keydown=${this.#moveInHistory}>${store.history.map(
              (entry) => html`<li><button class="entry" title="Try again" @click=${() => this.#recall(entry)}>
                <span class="entry-text">${entry.text}</span>${entry.text_pair === undefined ? nothing : html`<span class="entry-text muted">${entry.text_pair}</span>`}<span class="entry-label">${entry.label}${entry.score === null ? nothing : html` <span class="muted">${percent(entry.score)}</span>`}</span>
              </button></li>`,
            )}</ul>`
      }
    </section>`;
  }
}

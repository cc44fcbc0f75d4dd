import type { VscodeTextarea } from '@vscode-elements/elements/dist/vscode-textarea/vscode-textarea.js';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { PromptPageMessage, PromptPageRequest } from '../../protocol/prompt-page.ts';
import { focusInput } from '../shared/focus.ts';
import { plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { Keeper } from '../shared/keeper.ts';
import { LightElement } from '../shared/light-element.ts';
import type { Actions } from './actions.ts';
import { columnName, failureView } from './answer-view.ts';
import { compareView } from './compare-view.ts';
import { PromptStore } from './store.ts';
import { tryView } from './try-view.ts';

/** After so long without a key what is typed is rendered. */
const PAUSE_MS = 200;

/** A prompt template that is tried on a row, or compared on several. */
@customElement('luthier-prompt')
export class PromptElement extends LightElement implements Actions {
  @property({ attribute: false }) host!: Host<PromptPageMessage, PromptPageRequest>;
  @state() private announced = '';
  @query('.inputs vscode-textarea') private input!: VscodeTextarea | null;

  readonly store = new PromptStore();
  #pause: ReturnType<typeof setTimeout> | undefined;
  readonly #keeper = new Keeper(
    () => this.host,
    () => this.store.keep(),
  );

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => this.#receive(message));
    addEventListener('keydown', this.#key);
    this.post({ type: 'ready' });
  }

  override disconnectedCallback(): void {
    removeEventListener('keydown', this.#key);
    super.disconnectedCallback();
  }

  #receive(message: PromptPageMessage): void {
    const { store } = this;
    const first = store.page === null && message.type === 'snapshot';
    store.apply(message);
    this.#announce(message);
    if (message.type === 'part') this.#grown();
    else this.changed();
    // The template, the models or the rows are others.
    if (message.type === 'snapshot' || message.type === 'rows') this.#ask();
    if (first && store.page?.mode === 'try') {
      void this.updateComplete.then(() => this.input && focusInput(this.input));
    }
  }

  /** Whole answers are read out: word by word nobody could follow. */
  #announce(message: PromptPageMessage): void {
    const { store } = this;
    const isTried = store.page?.mode === 'try';
    if (message.type === 'answer' && isTried) {
      const [likeliest] = message.labels;
      this.announced = `Answer: ${likeliest ? likeliest.label : message.text}`;
    }
    if (message.type === 'ended') {
      if (message.cancelled) this.announced = 'Stopped';
      else if (!isTried) this.announced = 'All answers are there';
    }
    if (message.type === 'rows' && !isTried) this.announced = `${plural(message.rows.length, 'row')} added`;
  }

  readonly #key = (event: KeyboardEvent): void => {
    const { store } = this;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      this.run();
    } else if (event.key === 'Escape' && store.isRunning) {
      event.preventDefault();
      this.post({ type: 'cancel' });
    }
  };

  /** A token more: all answers are not copied for each of them. */
  #grown(): void {
    this.requestUpdate();
    this.#keeper.soon();
  }

  changed(): void {
    this.requestUpdate();
    this.#keeper.now();
  }

  edited(): void {
    this.changed();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  /** Asks for what would be sent. */
  #ask(): void {
    clearTimeout(this.#pause);
    for (const request of [this.store.render(), this.store.estimateRequest()]) if (request) this.post(request);
  }

  readonly post = (request: PromptPageRequest): void => this.host.post(request);

  /** What is typed counts at once; an answer that is being written makes way. */
  run(row?: string): void {
    const request = this.store.run(row);
    if (!request) return;
    this.store.sent(request);
    this.post(request);
    this.changed();
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { page, failure } = store;
    if (!page) {
      return failure
        ? html`<div class="page-empty">${failureView(failure, this, html`<vscode-button secondary @click=${() => this.post({ type: 'ready' })}>Try Again</vscode-button>`)}</div>`
        : html`<p class="empty page-empty" role="status">Loading the template…</p>`;
    }
    return html`
      <header>
        <div class="title">
          <h1>${page.mode === 'try' ? 'Try' : 'Compare'} ${page.name}</h1>
          <button class="tool" title="Open the Template" aria-label="Open the template" @click=${() => this.post({ type: 'openTemplate' })}><span class="codicon codicon-go-to-file" aria-hidden="true"></span></button>
        </div>
        ${page.mode === 'try' ? this.#model() : nothing}
      </header>
      ${page.blocked ? html`<div class="banner banner-warning" role="status"><span class="codicon codicon-shield" aria-hidden="true"></span><div class="banner-text"><p>${page.blocked}</p><div class="buttons"><vscode-button secondary @click=${() => this.post({ type: 'follow', way: 'manageTrust' })}>Manage Workspace Trust</vscode-button></div></div></div>` : nothing}
      ${page.problems.map(
        (problem) =>
          html`<div class="banner banner-error" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span><p>${problem}</p></div>`,
      )}
      ${failure ? failureView(failure, this) : nothing}
      ${page.mode === 'try' ? tryView(this) : compareView(this)}
      <div class="visually-hidden" role="status" aria-live="polite">${this.announced}</div>`;
  }

  #model(): TemplateResult {
    const { page, isRunning } = this.store;
    const [column] = page!.columns;
    return html`<div class="model">
      <span>${column ? html`Answered by ${columnName(column)}` : 'No model is chosen.'}</span>
      <vscode-button secondary ?disabled=${isRunning || page!.blocked !== null} @click=${() => this.post({ type: 'chooseModel' })}>Choose Model…</vscode-button>
      ${page!.offered ? html`<p class="muted offered">${page!.offered}</p>` : nothing}
      ${column?.problem ? html`<p class="problem"><span class="codicon codicon-error" aria-hidden="true"></span>${column.problem}</p>` : nothing}
    </div>`;
  }
}

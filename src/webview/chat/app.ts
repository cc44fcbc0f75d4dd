import type { VscodeTextarea } from '@vscode-elements/elements/dist/vscode-textarea/vscode-textarea.js';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { ChatPageMessage, ChatPageRequest, ChatWriter } from '../../protocol/chat-page.ts';
import type { ToolCall } from '../../protocol/generation.ts';
import { callText, toolName } from '../../protocol/tools.ts';
import { failureBanner } from '../shared/failure.ts';
import { focusInput } from '../shared/focus.ts';
import { plural, significant } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { Keeper } from '../shared/keeper.ts';
import { LightElement } from '../shared/light-element.ts';
import { type Answer, ChatStore, type SettingsText, type Turn } from './store.ts';

/** Settings as they are shown; an empty field says what counts without one. */
const FIELDS: [key: keyof SettingsText, label: string, placeholder: string][] = [
  ['max_new_tokens', 'New tokens at most', '128'],
  ['temperature', 'Temperature', 'off'],
  ['top_p', 'Top p', 'off'],
  ['top_k', 'Top k', 'off'],
  ['min_p', 'Min p', 'off'],
  ['repetition_penalty', 'Repetition penalty', 'off'],
  ['seed', 'Seed', 'random'],
];

/** Try a model that writes: a chat for dialogue models, prompt and continuation for others. */
@customElement('luthier-chat')
export class ChatElement extends LightElement {
  @property({ attribute: false }) host!: Host<ChatPageMessage, ChatPageRequest>;
  @state() private announced = '';
  @query('.composer vscode-textarea') private input!: VscodeTextarea;

  readonly store = new ChatStore();
  readonly #keeper = new Keeper(
    () => this.host,
    () => this.store.kept(),
  );

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => this.#receive(message));
    this.host.post({ type: 'ready' });
  }

  #receive(message: ChatPageMessage): void {
    const first = this.store.model === null && message.type === 'snapshot';
    this.store.apply(message);
    // Whole answers are read out: word by word nobody could follow.
    if (message.type === 'answer')
      this.announced = `${this.#nameOf(message.writer)}: ${message.tool_calls ? [message.content, ...message.tool_calls.map((call) => `calls ${callText(call)}`)].join(' ') : message.text}`;
    if (message.type === 'cancelled') this.announced = 'Stopped';
    if (message.type === 'part') this.#grown();
    else this.#changed();
    if (first) void this.updateComplete.then(() => this.#focus());
    if (message.type === 'part' || message.type === 'answer') void this.updateComplete.then(() => this.#follow());
  }

  /** The newest text stays in view, unless the person has scrolled up to read. */
  #follow(): void {
    const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
    if (scrollHeight - scrollTop - clientHeight < 120) window.scrollTo(0, scrollHeight);
  }

  #focus(): void {
    focusInput(this.input);
  }

  #changed(): void {
    this.requestUpdate();
    this.#keeper.now();
  }

  /** A token more: the whole chat is not copied for each of them. */
  #grown(): void {
    this.requestUpdate();
    this.#keeper.soon();
  }

  #post(request: ChatPageRequest | null): void {
    if (request) this.host.post(request);
    this.#changed();
    if (request) void this.updateComplete.then(() => window.scrollTo(0, document.documentElement.scrollHeight));
  }

  #send(): void {
    this.#post(this.store.send());
    this.#focus();
  }

  #key(event: KeyboardEvent): void {
    const { store } = this;
    const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
    if (sends && (store.model?.dialogue || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#send();
    } else if (event.key === 'Escape' && store.isWriting) {
      event.preventDefault();
      this.host.post({ type: 'cancel' });
    } else if (event.key === 'ArrowUp' && store.draft === '' && store.turns.length > 0 && !store.isWriting) {
      event.preventDefault();
      store.edit(store.turns.length - 1);
      this.#changed();
    }
  }

  #nameOf(writer: ChatWriter): string {
    const { model } = this.store;
    return (writer === 'tuned' ? model?.name : model?.base) ?? 'Base model';
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { model } = store;
    if (!model) {
      return store.failure
        ? html`<div class="page-empty">${this.#failure()}</div>`
        : html`<p class="empty page-empty" role="status">Loading the model…</p>`;
    }
    return html`
      <header class="chat-header">
        <div class="section-head">
          <h1>${model.name}</h1>
          ${
            store.turns.length > 0
              ? html`<button class="tool" title=${model.dialogue ? 'New Chat' : 'Clear'} aria-label=${model.dialogue ? 'New chat' : 'Clear'} ?disabled=${store.isWriting} @click=${() => {
                  store.clear();
                  this.#changed();
                  this.#focus();
                }}><span class="codicon codicon-clear-all" aria-hidden="true"></span></button>`
              : nothing
          }
        </div>
        <p class="muted">${model.dialogue ? 'Answers by its chat template' : 'Continues the text as it is'}${model.base ? ` · base model: ${model.base}` : ''}</p>
        ${model.template_note ? html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span>${model.template_note}</p>` : nothing}
        ${this.#settings()}
      </header>
      <ol class="turns ${model.dialogue ? '' : 'plain'}" aria-label=${model.dialogue ? 'Chat' : 'Continuations'}>
        ${
          store.turns.length === 0
            ? html`<li class="empty">${model.dialogue ? 'Say something to begin.' : 'Write the beginning of a text, and the model continues it.'}</li>`
            : store.turns.map((turn, i) => this.#turn(turn, i))
        }
      </ol>
      ${this.#failure()}
      ${this.#composer()}
      <div class="visually-hidden" role="status" aria-live="polite">${this.announced}</div>`;
  }

  #settings(): TemplateResult {
    const { store } = this;
    const set = (key: keyof SettingsText) => (event: Event) => {
      store.settings[key] = (event.target as HTMLInputElement).value;
      this.#changed();
    };
    return html`<details class="settings">
      <summary>Settings${store.model?.dialogue && store.system.trim() !== '' ? html` <span class="muted">· system text set</span>` : nothing}${store.toolList.length > 0 ? html` <span class="muted">· ${plural(store.toolList.length, 'tool')}</span>` : nothing}</summary>
      ${
        store.model?.dialogue
          ? html`<label class="field"><span>System text</span>
              <vscode-textarea .label=${'System text'} placeholder="What the assistant is, and how it should answer" rows="2" resize="vertical" .value=${store.system}
                @input=${(event: Event) => {
                  store.system = (event.target as VscodeTextarea).value;
                  this.#changed();
                }}></vscode-textarea></label>
            ${this.#tools()}`
          : nothing
      }
      <div class="fields">${FIELDS.map(
        ([key, label, placeholder]) => html`<label class="field"><span>${label}</span>
          <vscode-textfield .label=${label} placeholder=${placeholder} inputmode="decimal" .value=${store.settings[key]} @input=${set(key)}></vscode-textfield></label>`,
      )}</div>
      <p class="muted">${store.generationSettings().do_sample ? 'Tokens are drawn at random. Set a seed to get the same answer again.' : 'The likeliest token is taken each time. A temperature, top p, top k or min p makes the model draw tokens.'}</p>
      ${
        store.model?.base
          ? html`<vscode-checkbox label="Answer with the base model, too" ?checked=${store.compare} ?disabled=${store.isWriting} @change=${(
              event: Event,
            ) => {
              store.compare = (event.target as HTMLInputElement).checked;
              this.#changed();
            }}></vscode-checkbox>`
          : nothing
      }
      ${store.problem ? html`<p class="problem" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span>${store.problem}.</p>` : nothing}
    </details>`;
  }

  #tools(): TemplateResult {
    const { store } = this;
    const names = store.toolList.map(toolName);
    return html`<label class="field"><span>Tools</span>
        <vscode-textarea .label=${'Tools'} placeholder='JSON as in OpenAI’s files: [{"type": "function", "function": {"name": "get_weather", "parameters": {…}}}]' rows="2" resize="vertical" monospace .value=${store.tools}
          @input=${(event: Event) => {
            store.tools = (event.target as VscodeTextarea).value;
            this.#changed();
          }}></vscode-textarea></label>
      <div class="under muted">
        <vscode-button secondary icon="folder-opened" @click=${() => this.#post({ type: 'loadTools' })}>From File…</vscode-button>
        <span>${names.length > 0 ? `The model may call ${names.join(', ')}.` : 'What the model may call. You give the answers of the tools.'}</span>
      </div>
      ${store.toolsProblem ? html`<p class="problem" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span>${store.toolsProblem}</p>` : nothing}`;
  }

  #turn(turn: Turn, i: number): TemplateResult {
    const { store } = this;
    const last = i === store.turns.length - 1;
    const { tuned, base } = turn.answers;
    const edit = () => {
      store.edit(i);
      this.#changed();
      this.#focus();
    };
    return html`<li class="turn">
      <div class="said">
        ${
          turn.results
            ? html`<div class="results">${turn.results.map(
                ({ call, text }) =>
                  html`<p class="muted">${call.function.name} gives back</p><p class="text code">${text === '' ? html`<span class="muted">(nothing)</span>` : text}</p>`,
              )}</div>`
            : html`<p class="text">${turn.said}</p>`
        }
        <button class="tool" title="Edit" aria-label=${`Edit “${(turn.results?.map(({ text }) => text).join(' ') ?? turn.said).slice(0, 40)}” and start again from there`} ?disabled=${store.isWriting} @click=${edit}><span class="codicon codicon-edit" aria-hidden="true"></span></button>
      </div>
      <div class="answers ${base ? 'two' : ''}">
        ${tuned ? this.#answer(tuned, 'tuned', last, base !== undefined) : nothing}
        ${base ? this.#answer(base, 'base', last, true) : nothing}
        ${last && !tuned && !store.failure ? this.#unanswered() : nothing}
      </div>
    </li>`;
  }

  #unanswered(): TemplateResult {
    const { store } = this;
    if (store.isWriting) return html`<p class="muted">${store.loading ?? 'Reading…'}</p>`;
    return html`<div class="under muted"><span>Stopped</span>${this.#again()}</div>`;
  }

  #again(): TemplateResult {
    const { store } = this;
    return html`<button class="tool" title="Regenerate" aria-label="Write the answer again" ?disabled=${store.isWriting} @click=${() => this.#post(store.regenerate())}><span class="codicon codicon-refresh" aria-hidden="true"></span></button>`;
  }

  #answer(answer: Answer, writer: ChatWriter, last: boolean, named: boolean): TemplateResult {
    const { end } = answer;
    return html`<article class="answer" aria-label=${`Answer of ${this.#nameOf(writer)}`} aria-busy=${end === null}>
      ${named ? html`<h3>${this.#nameOf(writer)}</h3>` : nothing}
      ${answer.calls ? this.#calls(answer.calls) : html`<p class="text">${answer.text}${end === null ? html`<span class="cursor" aria-hidden="true"></span>` : nothing}${end && answer.text === '' ? html`<span class="muted">(nothing)</span>` : nothing}</p>`}
      ${answer.notes.map((note) => html`<p class="muted note"><span class="codicon codicon-info" aria-hidden="true"></span>${note}</p>`)}
      ${answer.prompt ? html`<details class="read"><summary>What the model read</summary><p class="text raw">${answer.prompt}</p></details>` : nothing}
      ${
        end
          ? html`<div class="under muted">
              <span title=${end.reason === 'length' ? 'New tokens at most, under Settings, allows more' : nothing}>${endWords(end)}</span>
              <button class="tool" title="Copy" aria-label="Copy the answer" @click=${() => this.host.post({ type: 'copyText', text: answer.text })}><span class="codicon codicon-copy" aria-hidden="true"></span></button>
              ${last && writer === 'tuned' ? this.#again() : nothing}
            </div>`
          : nothing
      }
    </article>`;
  }

  #calls({ tool_calls, content }: NonNullable<Answer['calls']>): TemplateResult {
    return html`${content === '' ? nothing : html`<p class="text">${content}</p>`}
      ${tool_calls.map(
        ({ function: called }) => html`<div class="call">
          <p><span class="codicon codicon-tools" aria-hidden="true"></span>Calls <strong>${called.name}</strong></p>
          <pre>${JSON.stringify(called.arguments, null, 2)}</pre>
        </div>`,
      )}`;
  }

  /** The person is the tools: what they give back is typed. */
  #waiting(calls: readonly ToolCall[]): TemplateResult {
    const { store } = this;
    const send = () => {
      this.#post(store.answerCalls());
      this.#focus();
    };
    return html`<div class="composer calls">
      <div class="field">${calls.map(
        (call, i) => html`<label class="field"><span>What ${callText(call)} gives back</span>
          <vscode-textarea .label=${`What ${call.function.name} gives back`} placeholder="Text or JSON (Enter sends, Shift+Enter starts a line)" rows="2" resize="vertical" .value=${store.results[i] ?? ''}
            @input=${(event: Event) => {
              store.results[i] = (event.target as VscodeTextarea).value;
              this.#changed();
            }}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              send();
            }}></vscode-textarea></label>`,
      )}</div>
      <vscode-button icon="send" ?disabled=${store.problem !== null || store.toolsProblem !== null} @click=${send}>Send</vscode-button>
    </div>`;
  }

  #composer(): TemplateResult {
    const { store } = this;
    if (store.waiting.length > 0) return this.#waiting(store.waiting);
    const label = store.model?.dialogue ? 'Message' : 'Text to continue';
    return html`<div class="composer">
      <vscode-textarea .label=${label} placeholder=${store.model?.dialogue ? 'Message (Enter sends, Shift+Enter starts a line)' : 'The beginning of a text (Ctrl+Enter continues it)'} rows=${store.model?.dialogue ? 2 : 4} resize="vertical" .value=${store.draft}
        @input=${(event: Event) => {
          store.draft = (event.target as VscodeTextarea).value;
          this.#changed();
        }} @keydown=${this.#key}></vscode-textarea>
      ${
        store.isWriting
          ? html`<vscode-button secondary icon="debug-stop" title="Stop (Escape)" @click=${() => this.host.post({ type: 'cancel' })}>Stop</vscode-button>`
          : html`<vscode-button icon="send" ?disabled=${store.draft.trim() === '' || store.problem !== null || store.toolsProblem !== null} @click=${() => this.#send()}>${store.model?.dialogue ? 'Send' : 'Continue'}</vscode-button>`
      }
    </div>`;
  }

  #failure(): TemplateResult | typeof nothing {
    const { store } = this;
    const { failure } = store;
    if (!failure) return nothing;
    const retries: Record<string, () => void> = {
      generate: () => this.#post(store.regenerate()),
      ready: () => this.host.post({ type: 'ready' }),
    };
    return failureBanner(failure.error, this.host, retries[failure.request] ?? null);
  }
}

/** How an answer ended, and how fast it was written. */
function endWords({ tokens, rate, reason }: NonNullable<Answer['end']>): string {
  if (reason === 'cancelled') return 'Stopped';
  const count = `${plural(tokens, 'token')}, ${significant(rate, 2)} a second`;
  return reason === 'length' ? `${count} · cut off at the token limit` : count;
}

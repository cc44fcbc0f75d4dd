import type { VscodeTextfield } from '@vscode-elements/elements/dist/vscode-textfield/vscode-textfield.js';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { countedRows, type DataProblem, FORMAT_NAMES, refusal } from '../../protocol/data.ts';
import { labelText } from '../../protocol/dataset.ts';
import type { DatasetMessage, DatasetRequest, DatasetRow } from '../../protocol/dataset-page.ts';
import { columnFields, FIELDS, type Field } from '../../protocol/fields.ts';
import { capitalized } from '../../protocol/figures.ts';
import { type TaskName, taskOf } from '../../protocol/tasks.ts';
import { failureBanner } from '../shared/failure.ts';
import { moveFocus } from '../shared/focus.ts';
import { count, percent, plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { lengthsView } from './lengths.ts';
import { previewView } from './preview.ts';
import { DatasetPageStore } from './store.ts';

/** Pause in typing after which rows are searched, in ms. */
const TYPING_PAUSE = 200;
/** Classes and problems that are shown before "all". */
const FEW = 12;
/** Classes that are shown at all: a column with more is hardly one of classes. */
const MANY = 500;
/** Letters of a text that a row shows; its line leads to the rest. */
const LONGEST = 1000;

const RANK = { error: 0, warning: 1, info: 2 };

/** Inspect Dataset: what is in a dataset, and every row of it. */
@customElement('luthier-dataset')
export class DatasetElement extends LightElement {
  @property({ attribute: false }) host!: Host<DatasetMessage, DatasetRequest>;
  @state() private allClasses = false;
  @state() private allProblems = false;
  @query('vscode-textfield') private field!: VscodeTextfield;

  readonly store = new DatasetPageStore();
  #typing: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => {
      this.store.apply(message);
      if (message.type === 'snapshot') {
        this.#ask();
        const preview = this.store.previewRequest();
        if (preview) this.host.post(preview);
      }
      this.#changed();
    });
    this.host.post({ type: 'ready' });
  }

  #changed(): void {
    this.requestUpdate();
    const kept = this.store.kept();
    if (kept) this.host.keep(kept);
  }

  #ask(): void {
    clearTimeout(this.#typing);
    const request = this.store.request();
    if (request) this.host.post(request);
    this.#changed();
  }

  #filter(change: { search?: string; label?: string | null }): void {
    this.store.filter(change);
    this.#ask();
  }

  #type(): void {
    this.store.filter({ search: this.field.value });
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#ask(), TYPING_PAUSE);
  }

  #turn(by: 1 | -1): void {
    this.store.turn(by);
    this.#ask();
    this.querySelector('.rows-head')?.scrollIntoView({ block: 'start' });
  }

  /** Up and down move through the rows' lines, as in any list of VS Code; Page Up and Page Down turn the page. */
  #move(event: KeyboardEvent): void {
    if (event.key === 'PageDown' || event.key === 'PageUp') {
      event.preventDefault();
      this.#turn(event.key === 'PageDown' ? 1 : -1);
      return;
    }
    moveFocus(event, this, '.rows .line');
  }

  protected override render(): TemplateResult {
    const { snapshot, failure } = this.store;
    if (!snapshot) {
      return failure
        ? html`<div class="page-empty">${this.#failure()}</div>`
        : html`<p class="empty page-empty" role="status">Reading…</p>`;
    }
    const { summary } = snapshot;
    const task = taskOf(summary.task);
    const figures = [
      task.title,
      countedRows(summary, count),
      ...(summary.classes.length > 0 ? [plural(summary.classes.length, ...task.label)] : []),
      FORMAT_NAMES[summary.format] ?? summary.format,
      summary.encoding.toUpperCase(),
    ];
    return html`
      <header class="page-header dataset-header">
        <div>
          <h1>${snapshot.name}</h1>
          <p class="muted">${figures.join(' · ')}</p>
          ${snapshot.place === snapshot.name ? nothing : html`<p class="muted place">${snapshot.place}</p>`}
          ${
            snapshot.otherwise
              ? html`<p class="muted place">Read as ${task.name === 'regression' ? 'numbers' : 'several labels in each row'} · <button class="link" @click=${() => this.host.post({ type: 'readAs', other: null })}>Read as one class each</button></p>`
              : nothing
          }
        </div>
        <div class="header-tools">
          ${snapshot.trusted ? html`<vscode-button icon="sparkle" @click=${() => this.host.post({ type: 'fineTune' })}>Fine-tune</vscode-button>` : nothing}
          <vscode-button secondary icon="go-to-file" @click=${() => this.host.post({ type: 'openFile' })}>Open File</vscode-button>
          <vscode-button secondary icon="refresh" @click=${() => this.host.post({ type: 'ready' })}>Refresh</vscode-button>
        </div>
      </header>
      ${this.#failure()}
      ${this.#problems()}
      <div class="overview">${this.#classes()}${this.#lengths()}</div>
      ${this.#columns()}
      ${this.store.previewRequest() ? previewView(this.store.preview, snapshot.trusted, this.host) : nothing}
      ${this.#rows()}`;
  }

  #failure(): TemplateResult | typeof nothing {
    const { failure } = this.store;
    if (!failure) return nothing;
    return failureBanner(failure.error, this.host, () => this.host.post({ type: 'ready' }));
  }

  #problems(): TemplateResult {
    const problems = [...this.store.snapshot!.summary.problems].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
    const shown = this.allProblems ? problems : problems.slice(0, FEW);
    const refused = refusal(this.store.snapshot!.summary);
    return html`<section aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      ${refused === null ? nothing : html`<p>${refused}</p>`}
      ${
        problems.length === 0
          ? html`<p class="empty">No problems found.</p>`
          : html`<ul class="problems">${shown.map((problem) => this.#problem(problem))}</ul>`
      }
      ${more(problems.length, this.allProblems, 'problems', () => {
        this.allProblems = !this.allProblems;
      })}
    </section>`;
  }

  #problem({ severity, message, line, other }: DataProblem): TemplateResult {
    return html`<li class=${severity}>
      <span class="codicon codicon-${severity}" role="img" aria-label=${severity}></span>
      <span>${message}${
        line === undefined
          ? nothing
          : html` <button class="link" @click=${() => this.host.post({ type: 'openLine', line })}>Open line ${line}</button>`
      }${
        other === undefined
          ? nothing
          : html` <button class="link" @click=${() => this.host.post({ type: 'readAs', other })}>${other.problem_type === 'regression' ? 'Read as numbers' : 'Read as several labels'}</button>`
      }</span>
    </li>`;
  }

  #classes(): TemplateResult | typeof nothing {
    const { snapshot, label: chosen } = this.store;
    const { classes, task } = snapshot!.summary;
    const { row, label: names, labelled } = taskOf(task);
    if (classes.length === 0) return nothing;
    const total = classes.reduce((sum, { count: n }) => sum + n, 0);
    const shown = classes.slice(0, this.allClasses ? MANY : FEW);
    return html`<section aria-labelledby="classes-title">
      <h2 id="classes-title">${capitalized(names[1])}${labelled === row ? '' : ` (${labelled}s)`}</h2>
      <table class="classes"><tbody>${shown.map(
        ({ label, count: n }) => html`<tr class=${label === chosen ? 'chosen' : ''}>
          <th scope="row"><button class="link" aria-pressed=${label === chosen} title=${`Show only ${row}s ${labelled === row ? 'of' : 'with'} “${label}”`}
            @click=${() => this.#filter({ label: label === chosen ? null : label })}>${label}</button></th>
          <td class="share"><progress max=${classes[0]!.count} .value=${n} aria-hidden="true"></progress></td>
          <td class="number">${count(n)}</td>
          <td class="number muted">${percent(n / total)}</td>
        </tr>`,
      )}</tbody></table>
      ${this.allClasses && classes.length > MANY ? html`<p class="empty">${plural(classes.length - MANY, `more ${names[0]} is`, `more ${names[1]} are`)} not listed.</p>` : nothing}
      ${more(Math.min(MANY, classes.length), this.allClasses, names[1], () => {
        this.allClasses = !this.allClasses;
      })}
    </section>`;
  }

  #lengths(): TemplateResult | typeof nothing {
    const { lengths, isFiltered } = this.store;
    if (!lengths || lengths.counts.length === 0) return nothing;
    const { name, row } = this.#task;
    const of = row === 'row' ? 'Text lengths' : `Lengths of ${row}s`;
    return html`<section aria-labelledby="lengths-title">
      <h2 id="lengths-title">${of} in ${name === 'token-classification' ? 'words' : 'characters'}${isFiltered ? ` (${row}s below only)` : ''}</h2>
      ${lengthsView(lengths)}
    </section>`;
  }

  get #task() {
    return taskOf(this.store.snapshot!.summary.task);
  }

  #rows(): TemplateResult {
    const { store } = this;
    const { snapshot, rows, total, range } = store;
    const { row: noun, label: names } = this.#task;
    const title = `${capitalized(noun)}s`;
    if (!snapshot!.readable) {
      const needed = FIELDS[snapshot!.summary.task]
        .filter(({ required }) => required)
        .map((field) => `a column for the ${field.title}`);
      return html`<section><h2>${title}</h2><p class="empty">${title} are listed once ${needed.join(' and ')} ${needed.length === 1 ? 'is' : 'are'} known.</p></section>`;
    }
    const shown = this.#shownFields(rows);
    return html`<section aria-labelledby="rows-title">
      <div class="section-head rows-head">
        <h2 id="rows-title">${title}</h2>
        <div class="rows-tools">
          <vscode-textfield .label=${'Search texts'} placeholder="Search texts" .value=${store.search} @input=${() => this.#type()}>
            <span slot="content-before" class="codicon codicon-search" aria-hidden="true"></span>
          </vscode-textfield>
          ${
            store.label === null
              ? nothing
              : html`<button class="chip" title=${`Show ${noun}s of all ${names[1]}`} @click=${() => this.#filter({ label: null })}>${store.label}<span class="codicon codicon-close" aria-hidden="true"></span></button>`
          }
          <span class="muted" role="status">${total === 0 ? (store.waiting ? 'Reading…' : `No ${noun}s`) : `${count(range.first)}–${count(range.last)} of ${count(total)}`}</span>
          <button class="tool" title="Previous page (Page Up)" aria-label="Previous page" ?disabled=${store.offset === 0} @click=${() => this.#turn(-1)}><span class="codicon codicon-chevron-left" aria-hidden="true"></span></button>
          <button class="tool" title="Next page (Page Down)" aria-label="Next page" ?disabled=${!store.hasNext} @click=${() => this.#turn(1)}><span class="codicon codicon-chevron-right" aria-hidden="true"></span></button>
        </div>
      </div>
      ${
        rows.length === 0
          ? html`<p class="empty">${store.waiting ? `Reading ${noun}s…` : store.isFiltered ? `No ${noun}s match.` : `No ${noun} has all that is needed.`}</p>`
          : html`<table class="rows ${store.waiting ? 'stale' : ''}" @keydown=${this.#move}>
              <thead><tr><th scope="col">Line</th>${shown.map(({ title: name }) => html`<th scope="col">${capitalized(name)}</th>`)}</tr></thead>
              <tbody>${rows.map(
                (row) => html`<tr>
                  <td class="number"><button class="link line" title="Open line ${row.line}" aria-label="Open line ${row.line}" @click=${() => this.host.post({ type: 'openRow', file: row.file, line: row.line })}>${row.line}</button></td>
                  ${shown.map((field) => cell(row, field, this.#task.name))}
                </tr>`,
              )}</tbody>
            </table>`
      }
    </section>`;
  }

  /** What rows have, the labels before the texts; words are shown with their tags. */
  #shownFields(rows: readonly DatasetRow[]): Field[] {
    const fields = FIELDS[this.store.snapshot!.summary.task];
    const there = fields.filter(
      ({ name, required }) => required || rows.some((row) => fieldOf(row, name) !== undefined),
    );
    if (there.some(({ name }) => name === 'tags')) return there.filter(({ name }) => name === 'tokens');
    const isLabel = ({ kind }: Field): boolean => kind === 'label' || kind === 'value';
    return [...there.filter(isLabel), ...there.filter((field) => !isLabel(field))];
  }

  #columns(): TemplateResult {
    const { task, columns, guess, guess_reason } = this.store.snapshot!.summary;
    const used = new Map(columnFields(task).map(({ name, title }) => [guess[name], title]));
    return html`<section aria-labelledby="columns-title">
      <h2 id="columns-title">Columns</h2>
      <p class="muted">${guess_reason}</p>
      <div class="scroll-x"><table class="columns">
        <thead><tr><th scope="col">Column</th><th scope="col">Used as</th><th scope="col" class="number">Distinct values</th><th scope="col" class="number">Empty</th><th scope="col" class="number">Mean length</th><th scope="col" class="examples">Examples</th></tr></thead>
        <tbody>${columns.map(
          (column) => html`<tr>
            <th scope="row">${column.name}</th>
            <td>${used.get(column.name) ?? html`<span class="muted">not used</span>`}</td>
            <td class="number">${count(column.distinct)}</td>
            <td class="number">${count(column.empty)}</td>
            <td class="number">${count(column.mean_length)}</td>
            <td class="examples muted">${shortened(column.examples.join(' · '), 160)}</td>
          </tr>`,
        )}</tbody>
      </table></div>
    </section>`;
  }
}

const fieldOf = (row: DatasetRow, name: Field['name']): unknown =>
  (row as Partial<Record<Field['name'], unknown>>)[name];

/** What a row holds of a field. */
function cell(row: DatasetRow, { name }: Field, task: TaskName): TemplateResult {
  if (name === 'tokens') return html`<td class="text">${sentence(row)}</td>`;
  const value = fieldOf(row, name);
  const written = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  const text = name === 'label' && written !== '' ? labelText(task, written) : written;
  return name === 'label'
    ? html`<td class="label" title=${text}>${text}</td>`
    : html`<td class="text">${shortened(text)}</td>`;
}

/** Words that a row shows; its line leads to the rest. */
const MOST_WORDS = 200;

/** A sentence, each of its words that has a tag other than O above that tag. */
function sentence({ tokens = [], tags = [] }: DatasetRow): TemplateResult {
  const more = tokens.length - MOST_WORDS;
  return html`<div class="sentence">${tokens
    .slice(0, MOST_WORDS)
    .map((word, i) =>
      tags[i] === undefined || tags[i] === 'O'
        ? html`<span>${word}</span>`
        : html`<span class="tagged-word"><span>${word}</span><span class="tag">${tags[i]}</span></span>`,
    )}${more > 0 ? html`<span class="muted">… ${plural(more, 'more word')}</span>` : nothing}</div>`;
}

const shortened = (text: string, longest = LONGEST): string =>
  text.length <= longest ? text : `${text.slice(0, longest)}…`;

const more = (n: number, all: boolean, what: string, toggle: () => void): TemplateResult | typeof nothing =>
  n <= FEW
    ? nothing
    : html`<button class="link" aria-expanded=${all} @click=${toggle}>${all ? `Show fewer ${what}` : `Show ${count(n)} ${what}`}</button>`;

import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import { repeat } from 'lit/directives/repeat.js';
import type { RunColumn, RunRow } from '../../protocol/run-row.ts';
import type { RunsMessage, RunsRequest } from '../../protocol/runs-page.ts';
import { failureBanner } from '../shared/failure.ts';
import { capital, count, METRIC_NAMES, plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { cell } from './cells.ts';
import { nameOf } from './plot.ts';
import { type FilterChoice, RunsStore } from './store.ts';
import { ROW_HEIGHT, scrolledTo, windowOf } from './window.ts';

/**
 * Widths of columns in px; where there is more room, each gets its share of it. Those that are shown at first fit a page of
 * 1,280 px, its padding and a scrollbar left out.
 */
const WIDTHS: Record<RunColumn['kind'], number> = { text: 130, number: 92, metric: 132, duration: 80, time: 130 };
const OWN_WIDTHS: Readonly<Record<string, number>> = {
  ...{ name: 209, state: 147, task: 130, model: 132, dataset: 140, strategy: 78 },
  ...{ best: 188, rows: 102, validation_rows: 120, note: 220, run: 260 },
};
const CHECK_WIDTH = 30;

/** All runs as a table: sorted, filtered, chosen, compared, and drawn by what they were made of. */
@customElement('luthier-runs')
export class RunsElement extends LightElement {
  @property({ attribute: false }) host!: Host<RunsMessage, RunsRequest>;
  @query('.scroll') private scroller!: HTMLElement | null;
  @query('.runs-table') private table!: HTMLTableElement | null;

  readonly store = new RunsStore();
  /** Index of the row that keys are about; -1 before there is one. */
  #active = -1;
  /** The folder of its run: rows move while runs work. */
  #activeRun: string | null = null;
  /** The row from which Shift chooses. */
  #anchor: string | null = null;
  /** Grows when a filter is cleared: a select of elements forgets its choice only by being made again. */
  #cleared = 0;
  #version = 0;
  #drawn = '';
  #resize: ResizeObserver | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => {
      this.store.apply(message);
      this.#follow();
      this.#changed();
    });
    this.host.post({ type: 'ready' });
    this.#resize = new ResizeObserver(() => this.#scrolled());
    this.#resize.observe(this);
    document.addEventListener('pointerdown', this.#closeChooser);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
    document.removeEventListener('pointerdown', this.#closeChooser);
  }

  #changed(): void {
    this.#version++;
    this.requestUpdate();
  }

  /** A choice of the person: kept over a reload. */
  #choose(work: () => void): void {
    work();
    this.host.keep(this.store.kept());
    this.#follow();
    this.#changed();
  }

  /** Finds the row that keys are about again, wherever it stands now. */
  #follow(): void {
    const { rows } = this.store;
    this.#active = this.#activeRun === null ? -1 : rows.findIndex(({ run }) => run === this.#activeRun);
    if (this.#active === -1) this.#activeRun = null;
  }

  protected override render(): TemplateResult {
    const { store } = this;
    const { failure, loaded, all, broken } = store;
    const banner = failure ? failureBanner(failure, this.host, null) : nothing;
    if (!loaded) {
      return html`<div class="page-empty">${failure ? banner : html`<p class="empty" role="status">Reading…</p>`}</div>`;
    }
    return html`
      <header class="page-header runs-header">
        <div>
          <h1>Runs</h1>
          <p class="muted" role="status">${this.#countsText()}</p>
        </div>
        ${all.length === 0 ? nothing : this.#tools()}
      </header>
      ${banner}
      ${all.length === 0 ? this.#none() : html`${this.#filters()}${this.#plot()}${this.#rows()}`}
      ${broken.length === 0 ? nothing : this.#broken()}
    `;
  }

  #countsText(): string {
    const { all, rows, selected, isFiltered } = this.store;
    if (all.length === 0) return 'None yet';
    const shown = isFiltered ? `${count(rows.length)} of ${plural(all.length, 'run')}` : plural(all.length, 'run');
    return selected.size === 0 ? shown : `${shown}, ${count(selected.size)} selected`;
  }

  #tools(): TemplateResult {
    const { selected, changeable, rows } = this.store;
    const runs = () => [...selected];
    return html`<div class="header-tools">
      <vscode-button ?disabled=${selected.size < 2} title=${selected.size < 2 ? 'Select two runs or more to compare them' : ''}
        @click=${() => this.host.post({ type: 'compare', runs: runs() })}>Compare Runs</vscode-button>
      ${
        changeable
          ? html`<vscode-button secondary ?disabled=${selected.size === 0} title=${selected.size === 0 ? 'Select runs to tag them' : ''}
              @click=${() => this.host.post({ type: 'tag', runs: runs() })}>Edit Tags…</vscode-button>`
          : nothing
      }
      <vscode-button secondary ?disabled=${rows.length === 0} title="The rows and columns that are shown"
        @click=${() => this.host.post({ type: 'save', csv: this.store.csv() })}>Export CSV…</vscode-button>
    </div>`;
  }

  #filters(): TemplateResult {
    const { store } = this;
    const { text, plot } = store.state;
    return html`<div class="filters">
      <vscode-textfield .label=${'Filter runs'} placeholder="Filter by name, note, model, dataset or tag" .value=${text}
        @input=${(event: Event) => this.#choose(() => store.change({ text: (event.target as HTMLInputElement).value }))}>
        <span slot="content-before" class="codicon codicon-filter" aria-hidden="true"></span>
      </vscode-textfield>
      ${keyed(
        this.#cleared,
        html`${this.#select('state', 'State', 'All states', store.stateChoices)}
          ${this.#select('task', 'Task', 'All tasks', store.taskChoices)}
          ${this.#select('tag', 'Tag', 'All tags', store.tagChoices)}`,
      )}
      ${store.isFiltered ? html`<button class="link" @click=${() => this.#clearFilter()}>Clear filter</button>` : nothing}
      <div class="view-tools"><button class="toggle" aria-pressed=${plot.shown} @click=${() =>
        this.#choose(() => store.change({ plot: { ...plot, shown: !plot.shown } }))}>
        <span class="codicon codicon-graph-line" aria-hidden="true"></span> Plot</button>
      ${this.#chooser()}</div>
    </div>`;
  }

  #select(key: 'state' | 'task' | 'tag', label: string, all: string, choices: FilterChoice[]) {
    const value = this.store.state[key];
    // One state or task is that of all runs; one tag is not.
    if (value === '' && choices.length < (key === 'tag' ? 1 : 2)) return nothing;
    return html`<vscode-single-select label=${label} @change=${(event: Event) =>
      this.#choose(() => this.store.change({ [key]: (event.target as HTMLSelectElement).value }))}>
      <vscode-option value="" ?selected=${value === ''}>${all}</vscode-option>
      ${choices.map(
        (choice) =>
          html`<vscode-option value=${choice.value} ?selected=${choice.value === value}>${capital(choice.title)}</vscode-option>`,
      )}
    </vscode-single-select>`;
  }

  #clearFilter(): void {
    this.#cleared++;
    this.#choose(() => this.store.clearFilter());
  }

  #chooser(): TemplateResult {
    const { store } = this;
    const shown = new Set(store.state.columns);
    return html`<details class="chooser" @keydown=${(event: KeyboardEvent) => {
      if (event.key === 'Escape') this.#closeChooser(null);
    }}>
      <summary class="toggle"><span class="codicon codicon-list-selection" aria-hidden="true"></span> Columns</summary>
      <div class="panel">
        ${store.choices.map(
          ({ title, columns }) =>
            html`<fieldset><legend>${title}</legend>${columns.map(
              (column) => html`<vscode-checkbox label=${columnTitle(column)} ?checked=${shown.has(column.id)}
              ?disabled=${column.id === 'name'} @change=${() => this.#choose(() => store.toggleColumn(column.id))}></vscode-checkbox>`,
            )}</fieldset>`,
        )}
        <button class="link" @click=${() => this.#choose(() => store.resetColumns())}>Reset columns</button>
      </div>
    </details>`;
  }

  #closeChooser = (event: Event | null): void => {
    const chooser = this.querySelector<HTMLDetailsElement>('.chooser');
    if (!chooser?.open || event?.composedPath().includes(chooser)) return;
    chooser.open = false;
    if (event === null) chooser.querySelector('summary')?.focus();
  };

  #plot(): TemplateResult | typeof nothing {
    const { store } = this;
    const { plot } = store.state;
    if (!plot.shown) return nothing;
    const axes = store.axes;
    const chosen = new Set(axes.map(({ id }) => id));
    const metric = store.plotMetric;
    const toggle = (id: string) => {
      const ids = chosen.has(id) ? [...chosen].filter((one) => one !== id) : [...chosen, id];
      this.#choose(() => store.change({ plot: { ...plot, axes: ids } }));
    };
    return html`<section class="parallel" aria-labelledby="plot-title">
      <h2 id="plot-title" class="visually-hidden">Recipe values against ${metric ? nameOf(metric) : 'the metric'}</h2>
      <div class="axes" role="group" aria-label="Axes">
        ${store.axisChoices.map(
          (column) => html`<button class="axis-toggle" aria-pressed=${chosen.has(column.id)}
            @click=${() => toggle(column.id)}>${column.title}</button>`,
        )}
        ${
          store.metricChoices.length < 2
            ? nothing
            : html`<vscode-single-select label="Metric" @change=${(event: Event) =>
                this.#choose(() =>
                  store.change({ plot: { ...plot, metric: (event.target as HTMLSelectElement).value } }),
                )}>
                ${store.metricChoices.map(
                  (column) =>
                    html`<vscode-option value=${column.id} ?selected=${column.id === metric?.id}>${nameOf(column)}</vscode-option>`,
                )}
              </vscode-single-select>`
        }
      </div>
      <luthier-parallel-plot .rows=${store.plotted} .axes=${axes} .metric=${metric} .selected=${store.selected}
        .version=${this.#version} .opened=${(run: string) => this.host.post({ type: 'open', run })}></luthier-parallel-plot>
    </section>`;
  }

  #rows(): TemplateResult {
    const { store } = this;
    const { rows, columns, state } = store;
    if (rows.length === 0) {
      return html`<div class="page-empty"><p class="empty">No run matches the filter.</p>
        <vscode-button secondary @click=${() => this.#clearFilter()}>Clear Filter</vscode-button></div>`;
    }
    const { first, end, before, after } = this.#window();
    const best = store.best;
    const active = this.#active >= first && this.#active < end ? `row-${this.#active}` : nothing;
    return html`<div class="scroll" @scroll=${() => this.#scrolled()}>
      <table class="runs-table" role="grid" aria-label="Runs" aria-multiselectable="true" aria-rowcount=${rows.length + 1}
        aria-activedescendant=${active} tabindex="0" @keydown=${this.#key}
        @focus=${() => this.#focused()}>
        <colgroup><col width=${CHECK_WIDTH}>${columns.map((column) => html`<col width=${widthOf(column)}>`)}</colgroup>
        <thead><tr aria-rowindex="1">
          <th class="check"><button class="check-button" title=${this.#allSelected() ? 'Select none' : 'Select all that are shown'}
            aria-label="Select all that are shown" aria-pressed=${this.#allSelected()} @click=${() => this.#selectAll()}>
            ${checkMark(this.#allSelected())}</button></th>
          ${columns.map((column) => this.#heading(column, state.sort))}
        </tr></thead>
        <tbody>
          ${before > 0 ? html`<tr class="space" aria-hidden="true" height=${before}></tr>` : nothing}
          ${repeat(
            rows.slice(first, end),
            ({ run }) => run,
            (row, i) => this.#row(row, first + i, columns, best.has(row.run)),
          )}
          ${after > 0 ? html`<tr class="space" aria-hidden="true" height=${after}></tr>` : nothing}
        </tbody>
      </table>
    </div>`;
  }

  #heading(column: RunColumn, sort: { column: string; descending: boolean }): TemplateResult {
    const isSorted = sort.column === column.id;
    const order = isSorted ? (sort.descending ? 'descending' : 'ascending') : 'none';
    return html`<th scope="col" class=${alignOf(column)} aria-sort=${order}>
      <button class="sort" title=${`Sort by ${columnTitle(column)}`} @click=${() => this.#choose(() => this.store.sortBy(column))}>
        <span class="sort-name">${columnTitle(column)}</span>${
          isSorted
            ? html`<span class="codicon codicon-${sort.descending ? 'arrow-down' : 'arrow-up'}" aria-hidden="true"></span>`
            : nothing
        }</button></th>`;
  }

  #row(row: RunRow, index: number, columns: readonly RunColumn[], isBest: boolean): TemplateResult {
    const isSelected = this.store.selected.has(row.run);
    const isActive = index === this.#active;
    return html`<tr id=${`row-${index}`} class=${isActive ? 'active' : ''} aria-rowindex=${index + 2}
      aria-selected=${isSelected} @click=${(event: MouseEvent) => this.#click(event, row.run, index)}>
      <td class="check">${checkMark(isSelected)}</td>
      ${columns.map((column) => {
        const { content, title } = cell(column, row, isBest);
        return html`<td class=${alignOf(column)} title=${title}>${content}</td>`;
      })}
    </tr>`;
  }

  #window() {
    const heading = ROW_HEIGHT;
    const height = (this.scroller?.clientHeight ?? innerHeight) - heading;
    return windowOf(this.store.rows.length, this.scroller?.scrollTop ?? 0, Math.max(height, 0));
  }

  #scrolled(): void {
    const { first, end } = this.#window();
    const drawn = `${first} ${end}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.requestUpdate();
  }

  protected override updated(): void {
    const width = this.store.columns.reduce((sum, column) => sum + widthOf(column), CHECK_WIDTH);
    // The page's policy forbids style attributes.
    if (this.table) this.table.style.minWidth = `${width}px`;
    // What was drawn before the table had its height may be too little.
    this.#scrolled();
  }

  #click(event: MouseEvent, run: string, index: number): void {
    this.#setActive(index);
    const onCheck = (event.target as Element).closest('td.check') !== null;
    if (event.shiftKey) this.store.selectRange(this.#anchor ?? run, run);
    else if (onCheck || event.ctrlKey || event.metaKey) this.store.select(run);
    else {
      this.host.post({ type: 'open', run });
      return;
    }
    if (!event.shiftKey) this.#anchor = run;
    getSelection()?.removeAllRanges();
    this.#changed();
  }

  #focused(): void {
    if (this.#active === -1)
      this.#setActive(this.#window().first === 0 ? 0 : Math.ceil((this.scroller?.scrollTop ?? 0) / ROW_HEIGHT));
  }

  #setActive(index: number): void {
    const { rows } = this.store;
    this.#active = Math.max(0, Math.min(rows.length - 1, index));
    this.#activeRun = rows[this.#active]?.run ?? null;
    this.#changed();
  }

  #key = (event: KeyboardEvent): void => {
    // Buttons of the heading have keys of their own.
    if (event.target !== this.table || this.store.rows.length === 0) return;
    const page = Math.max(1, Math.floor((this.scroller?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const steps: Record<string, number> = {
      ...{ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page },
      ...{ Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY },
    };
    const step = steps[event.key];
    const run = this.#activeRun;
    if (step !== undefined) {
      const from = run;
      this.#setActive(this.#active + step);
      if (event.shiftKey && from !== null && this.#activeRun !== null) {
        this.#anchor ??= from;
        this.store.selectRange(this.#anchor, this.#activeRun);
      } else this.#anchor = null;
      this.#reveal();
    } else if (event.key === 'Enter' && run !== null) this.host.post({ type: 'open', run });
    else if (event.key === ' ' && run !== null) this.store.select(run);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) this.#selectAll(true);
    else if (event.key === 'Escape' && this.store.selected.size > 0) this.store.selected.clear();
    else return;
    event.preventDefault();
    this.#changed();
  };

  #reveal(): void {
    const { scroller } = this;
    if (scroller) scroller.scrollTop = scrolledTo(this.#active, scroller.scrollTop, scroller.clientHeight, ROW_HEIGHT);
  }

  #allSelected(): boolean {
    const { rows, selected } = this.store;
    return rows.length > 0 && rows.every(({ run }) => selected.has(run));
  }

  #selectAll(on = !this.#allSelected()): void {
    for (const { run } of this.store.rows) this.store.select(run, on);
    this.#changed();
  }

  #none(): TemplateResult {
    return html`<div class="page-empty"><p class="empty">No model has been fine-tuned in this workspace yet.</p>
      ${
        this.store.changeable
          ? html`<vscode-button @click=${() => this.host.post({ type: 'start' })}>Fine-tune…</vscode-button>`
          : nothing
      }</div>`;
  }

  #broken(): TemplateResult {
    const { broken } = this.store;
    return html`<section class="broken" aria-labelledby="broken-title">
      <h2 id="broken-title">Cannot be read</h2>
      <ul>${broken.map(
        ({ path, problem }) => html`<li><span class="codicon codicon-warning" aria-hidden="true"></span>
          <span><code>${path}</code><br />${problem}</span>
          <button class="link" @click=${() => this.host.post({ type: 'reveal', path })}>Reveal</button></li>`,
      )}</ul>
    </section>`;
  }
}

const widthOf = (column: RunColumn): number => OWN_WIDTHS[column.id] ?? WIDTHS[column.kind];

/** Figures of a recipe stand as words do: a column may have both. */
const alignOf = ({ id, kind }: RunColumn): string =>
  id === 'name' ? 'name-cell' : kind === 'text' || kind === 'time' ? '' : 'number';

const columnTitle = (column: RunColumn): string =>
  column.id.startsWith('metric.') ? (METRIC_NAMES[column.id.replace('metric.', '')] ?? column.title) : column.title;

const checkMark = (on: boolean): TemplateResult =>
  html`<span class="check-box" aria-hidden="true">${on ? html`<span class="codicon codicon-check"></span>` : nothing}</span>`;

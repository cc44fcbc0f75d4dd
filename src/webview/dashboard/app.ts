import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { guard } from 'lit/directives/guard.js';
import {
  type DashboardMessage,
  type DashboardRequest,
  type DashboardState,
  parseDashboardState,
  type RunAction,
} from '../../protocol/dashboard-page.ts';
import type { EvalEvent, RunEvent } from '../../protocol/events.ts';
import { eventPrefix } from '../../protocol/trainings.ts';
import { fixed, metric, metricInText } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { onThemeChange } from '../shared/theme.ts';
import { Averages, chartsFor, runSwatch } from './charts.ts';
import { compareView } from './compare-view.ts';
import { completionsView } from './completions-view.ts';
import { diagnosisView } from './diagnosis-view.ts';
import { evaluationView } from './evaluation-view.ts';
import { foldsView, stageLine } from './folds.ts';
import { forgettingView } from './forgetting-view.ts';
import { FrameQueue } from './frames.ts';
import { banners, header } from './header.ts';
import { shownState } from './log-lines.ts';
import { logView } from './log-view.ts';
import type { Page } from './page.ts';
import { recipeView } from './recipe-view.ts';
import { shownReport } from './reports.ts';
import { samplesView } from './samples-view.ts';
import { isSolvedRun, solvedView } from './solved-view.ts';
import { hasEnded, isWorking, RunStore, type RunView } from './store.ts';
import { tiles } from './tiles.ts';
import { useView } from './use-view.ts';
import { AXES, type Axis, parseView, TABS, type Tab, toggled, type ViewState } from './view-state.ts';

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  charts: 'Charts',
  evaluation: 'Evaluation',
  recipe: 'Recipe',
  log: 'Events',
};
const AXIS_CHOICES: Readonly<Record<Axis, string>> = { step: 'Steps', epoch: 'Epochs', time: 'Minutes' };

/** The dashboard: state in, requests out. Draws at most once a frame, however much arrives. */
@customElement('luthier-dashboard')
export class DashboardElement extends LightElement implements Page {
  @property({ attribute: false }) host!: Host<DashboardMessage, DashboardRequest>;
  @state() private version = 0;
  @state() private themeVersion = 0;
  @state() private announced = '';

  readonly frames = new FrameQueue();
  readonly averages = new Averages();
  readonly store = new RunStore((reason) =>
    this.post({ type: 'log', level: 'warning', message: `Dropped an event of a run: ${reason}` }),
  );
  view: ViewState = parseView(null);
  #keeping: ReturnType<typeof setTimeout> | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const kept = parseDashboardState(this.host.kept);
    if (kept.ok) this.view = parseView(kept.message.view);
    this.host.listen((message) => this.#receive(message));
    onThemeChange(() => {
      this.themeVersion++;
    });
    addEventListener('keydown', (event) => this.#key(event));
    addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.post({ type: 'ready' });
  }

  post(request: DashboardRequest): void {
    this.host.post(request);
  }

  change(part: Partial<ViewState>): void {
    this.view = { ...this.view, ...part };
    this.#keepSoon();
    this.#ask();
  }

  act(run: RunView, action: RunAction): void {
    this.store.asked(run.id, action);
    this.post({ type: 'action', action, run: run.id });
    this.#ask();
  }

  dismiss(): void {
    this.store.failure = null;
    this.#ask();
  }

  compareRows(first: RunView, second: RunView): void {
    if (!this.store.comparing(first.id, second.id)) return;
    this.post({ type: 'compareRows', first: first.id, second: second.id });
    this.#ask();
  }

  reveal(selector: string): void {
    this.frames.ask({}, () =>
      this.updateComplete.then(
        () => {
          const element = this.querySelector<HTMLElement>(selector);
          if (!element) return;
          if (!element.contains(document.activeElement)) element.focus({ preventScroll: true });
          element.scrollIntoView({ block: 'nearest' });
        },
        () => undefined,
      ),
    );
  }

  announce(text: string): void {
    this.announced = text;
  }

  async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // The host can always write to the clipboard.
      this.post({ type: 'copyText', text });
    }
    this.announce(`${what} copied.`);
  }

  #receive(message: DashboardMessage): void {
    const before = this.store.focused;
    const state = before?.record.state;
    const evaluations = before?.evals.length ?? 0;
    this.store.apply(message);
    if (message.type === 'snapshot') this.#restored();
    if (message.type === 'showEvaluation' && this.store.runs.has(message.run))
      this.change({ tab: 'evaluation', focus: message.run, split: `file:${message.name}`, cell: null });
    const now = this.store.focused;
    if (now && before && now.id === before.id) {
      if (now.record.state !== state) this.announce(`${now.record.name}: ${shownState(now.record.state).words}.`);
      else if (now.evals.length > evaluations) this.#announceEvaluation(now);
    }
    this.#ask();
    // The rows have come, and the place that was scrolled to grows.
    if (message.type === 'cell' && this.querySelector('.cell-rows:focus-within')) this.reveal('.cell-rows');
  }

  #restored(): void {
    const { focus, cell, scroll } = this.view;
    if (focus !== null && this.store.runs.has(focus)) this.store.focus = focus;
    const run = this.store.focused;
    const shown = run && shownReport(run, this.view.split);
    if (run && shown && cell && this.store.cell?.rows == null) {
      const { report, evaluation } = shown;
      const of = { run: run.id, split: report.split, ...(evaluation ? { evaluation: evaluation.name } : {}), ...cell };
      this.store.cell = { ...of, rows: null, total: 0 };
      this.post({ type: 'cell', ...of });
    }
    this.#keepSoon();
    // The page has its height only once it is drawn.
    if (scroll > 0)
      this.frames.ask(this.view, () =>
        this.updateComplete.then(
          () => scrollTo(0, scroll),
          () => undefined,
        ),
      );
  }

  #announceEvaluation(run: RunView): void {
    const latest: EvalEvent & Pick<RunEvent, 'fold' | 'seed'> = run.evals[run.evals.length - 1]!;
    const prefix = eventPrefix(latest);
    const key = run.record.recipe.metric_for_best_model;
    this.announce(
      `${prefix === null ? 'Step' : `${prefix}, step`} ${latest.step}: ${latest.split} ${key} ${metric(key, latest.metrics[key])}${latest.best ? ', best so far' : ''}.`,
    );
  }

  #ask(): void {
    this.frames.ask(this, () => {
      this.version++;
    });
  }

  /** The host is told at most four times a second: setState crosses a process. */
  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = null;
      const state: DashboardState = { version: 1, runs: [...this.store.runs.keys()], view: this.view };
      if (this.store.loaded) this.host.keep(state);
    }, 250);
  }

  #scrolled(): void {
    this.view = { ...this.view, scroll: Math.round(scrollY) };
    this.#keepSoon();
  }

  #key(event: KeyboardEvent): void {
    const run = this.store.focused;
    const target = event.composedPath()[0];
    const typing =
      target instanceof HTMLElement && target.closest('input, textarea, select, vscode-single-select') !== null;
    if (!run || typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { state } = run.record;
    const changeable = !run.readOnly && !run.gone && run.pending === null;
    const key = event.key.toLowerCase();
    if (key === 'escape' && this.view.zoom) this.change({ zoom: null });
    else if (key >= '1' && key <= String(TABS.length)) this.change({ tab: TABS[Number(key) - 1]! });
    else if (key === 'c') this.post({ type: 'chooseRuns' });
    else if (key === 'p' && changeable && state === 'paused') this.act(run, 'resume');
    else if (key === 'p' && changeable && isWorking(state)) this.act(run, 'pause');
    else if (key === 's' && changeable && (isWorking(state) || state === 'paused')) this.act(run, 'stop');
    else if (key === 't' && changeable && hasEnded(state) && run.record.model !== null) this.act(run, 'try');
    else return;
    event.preventDefault();
  }

  protected override render(): TemplateResult {
    const run = this.store.focused;
    if (!run)
      return html`<p class="empty page-empty" role="status">${
        this.store.loaded ? 'No run to show. Choose one in the Runs view.' : 'Loading the run…'
      }</p>`;
    const runs = [...this.store.runs.values()];
    return html`
      ${header(run, this)}
      ${banners(run, this)}
      ${runs.length > 1 ? this.#runList(runs) : nothing}
      ${diagnosisView(run, this)}
      ${tiles(run, this)}
      ${useView(run, this)}
      ${this.#tabs()}
      <div id="panel" role="tabpanel" aria-labelledby="tab-${this.view.tab}">${this.#panel(run, runs)}</div>
      <p id="chart-keys" class="visually-hidden">Left and right arrow keys read points, plus and minus zoom, Escape shows everything.</p>
      <div class="visually-hidden" role="status" aria-live="polite">${this.announced}</div>`;
  }

  #tabs(): TemplateResult {
    const move = (event: KeyboardEvent): void => {
      const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (step === 0) return;
      const next = TABS[(TABS.indexOf(this.view.tab) + step + TABS.length) % TABS.length]!;
      this.change({ tab: next });
      this.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
    };
    return html`<div class="tabs" role="tablist" aria-label="Run views" @keydown=${move}>
      ${TABS.map(
        (tab) => html`<button role="tab" id="tab-${tab}" aria-controls="panel" aria-selected=${tab === this.view.tab}
          tabindex=${tab === this.view.tab ? 0 : -1} @click=${() => this.change({ tab })}>${TAB_NAMES[tab]}</button>`,
      )}
    </div>`;
  }

  #panel(run: RunView, runs: RunView[]): unknown {
    const { view } = this;
    switch (view.tab) {
      case 'charts':
        return this.#charts(runs);
      case 'evaluation':
        // A large table is made again only when what it shows has changed.
        return html`${runs.length > 1 ? compareView(runs, run, this) : nothing}
          ${runs.length > 1 ? html`<h2 class="of-run">${run.record.name}</h2>` : nothing}
          ${guard(
            [
              run.reports,
              run.evaluations,
              run.record.folds,
              run.record.seeds,
              run.record.state,
              run.fold,
              run.reportProblems,
              run.completions,
              run.modelFolder,
              run.readOnly,
              run.gone,
              run.evals.length > 0,
              run.samples.length,
              run.done,
              this.store.cell,
              view.split,
              view.cell,
              view.matrixSize,
            ],
            () =>
              html`${foldsView(run, this)}${completionsView(run, this)}${evaluationView(run, this)}${samplesView(run, this)}${forgettingView(run)}`,
          )}`;
      case 'recipe':
        return recipeView(runs, this);
      case 'log':
        return guard([run.log], () => logView(run, this));
    }
  }

  #charts(runs: RunView[]): unknown {
    const { view } = this;
    const [only] = runs.length === 1 ? runs : [];
    if (only && isSolvedRun(only)) return solvedView(only);
    return html`
      <div class="chart-tools" role="toolbar" aria-label="Charts">
        ${stageLine(runs)}
        <label class="inline">Smoothing
          <input type="range" min="0" max="0.99" step="0.01" .value=${String(view.smoothing)}
            aria-valuetext=${fixed(view.smoothing, 2)}
            @input=${(event: Event) => this.change({ smoothing: Number((event.target as HTMLInputElement).value) })}>
          <output>${fixed(view.smoothing, 2)}</output>
        </label>
        <label class="inline">Axis <vscode-single-select label="Axis"
          @change=${(event: Event) => this.change({ axis: (event.target as HTMLSelectElement).value as Axis, zoom: null })}>
          ${AXES.map((axis) => html`<vscode-option value=${axis} ?selected=${axis === view.axis}>${AXIS_CHOICES[axis]}</vscode-option>`)}
        </vscode-single-select></label>
        ${
          view.zoom
            ? html`<vscode-button secondary icon="screen-normal" title="Show all (Escape, or double-click a chart)"
                @click=${() => this.change({ zoom: null })}>Reset Zoom</vscode-button>`
            : nothing
        }
      </div>
      <div class="charts">
        ${chartsFor(runs).map(
          (definition) => html`<luthier-chart .definition=${definition} .page=${this as Page} .runs=${runs}
            .version=${this.version} .themeVersion=${this.themeVersion}></luthier-chart>`,
        )}
      </div>
      ${only ? solvedView(only) : nothing}`;
  }

  #runList(runs: RunView[]): TemplateResult {
    return html`<ul class="runs" aria-label="Compared runs">
      ${runs.map((run, i) => {
        const shown = !this.view.hiddenRuns.includes(run.id);
        const focused = run.id === this.store.focus;
        const key = run.record.recipe.metric_for_best_model ?? 'loss';
        return html`<li class=${focused ? 'focused' : ''}>
          <button class="tool" aria-pressed=${shown} title=${shown ? 'Hide in the charts' : 'Show in the charts'}
            aria-label="Show ${run.record.name} in the charts"
            @click=${() => this.change({ hiddenRuns: toggled(this.view.hiddenRuns, run.id) })}>
            <span class="codicon codicon-${shown ? 'eye' : 'eye-closed'}" aria-hidden="true"></span></button>
          ${runSwatch(i)}
          <button class="link run-name" aria-current=${focused} title="Show this run’s figures" @click=${() => this.#focus(run)}>${run.record.name}</button>
          <span class="muted">${shownState(run.record.state).words}</span>
          <span class="number"><span class="muted">${metricInText(key)}</span> ${metric(key, run.record.best?.metrics[key])}</span>
          <button class="tool" title="Remove from the comparison" aria-label="Remove ${run.record.name} from the comparison"
            @click=${() => this.post({ type: 'removeRun', run: run.id })}>
            <span class="codicon codicon-close" aria-hidden="true"></span></button>
        </li>`;
      })}
    </ul>`;
  }

  #focus(run: RunView): void {
    this.store.focus = run.id;
    this.store.cell = null;
    this.change({ focus: run.id, cell: null, split: null });
  }
}

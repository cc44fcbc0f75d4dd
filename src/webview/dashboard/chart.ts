import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { trainingsOf } from '../../protocol/trainings.ts';
import { inEnglish, plural } from '../shared/format.ts';
import { LightElement } from '../shared/light-element.ts';
import { readTheme, type Theme } from '../shared/theme.ts';
import { AXIS_NAMES, axisValue, chartCsv, summary } from './chart-text.ts';
import {
  type ChartDefinition,
  type Drawing,
  draw,
  nearest,
  pointAxis,
  RUN_COLORS,
  RUN_DASHES,
  runSwatch,
} from './charts.ts';
import type { Page } from './page.ts';
import { chartPicture, copyPicture, type PictureEntry } from './picture.ts';
import { type Marker, Plot } from './plot.ts';
import { hasEnded, type RunView } from './store.ts';
import { toggled } from './view-state.ts';

const HEIGHT = 200;

/** An entry of the legend: a line of one run, or a run of a comparison. */
interface Entry extends PictureEntry {
  id: string;
  swatch: TemplateResult;
  shown: boolean;
}

/** One chart with its legend, its tools and its text. Draws only when it is on screen, in the page's frame queue. */
@customElement('luthier-chart')
export class ChartElement extends LightElement {
  @property({ attribute: false }) definition!: ChartDefinition;
  @property({ attribute: false }) page!: Page;
  @property({ attribute: false }) runs: readonly RunView[] = [];
  /** Grows with every change of the store or the view. */
  @property({ attribute: false }) version = 0;
  /** Grows with every change of theme: canvases take no CSS. */
  @property({ attribute: false }) themeVersion = 0;
  @state() private cursor: number | null = null;
  @query('.plot') private host!: HTMLElement;
  /** uPlot's own element: Lit, taking the empty text away, would take along what stands beside it. */
  @query('.plot .canvas') private canvasHost!: HTMLElement;

  #plot: Plot | null = null;
  #drawing: Drawing | null = null;
  #theme: Theme | null = null;
  #built = '';
  #onScreen = false;
  #width = 0;
  #resize: ResizeObserver | null = null;
  #screen: IntersectionObserver | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    // Reconnected: the observers that disconnecting ended start again.
    if (this.hasUpdated) this.#observe();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
    this.#screen?.disconnect();
    this.page.frames.drop(this);
    this.#plot?.destroy();
    this.#plot = null;
    this.#built = '';
  }

  protected override firstUpdated(): void {
    this.#observe();
  }

  #observe(): void {
    this.#resize = new ResizeObserver(() => {
      const width = Math.floor(this.host.clientWidth);
      if (width === this.#width || width === 0) return;
      this.#width = width;
      this.#ask();
    });
    this.#resize.observe(this.host);
    this.#screen = new IntersectionObserver(
      ([entry]) => {
        this.#onScreen = entry?.isIntersecting ?? false;
        this.#ask();
      },
      { rootMargin: '100px' },
    );
    this.#screen.observe(this.host);
  }

  /** What came in is first drawn, then told: a chart out of sight costs nothing. */
  protected override shouldUpdate(changed: Map<PropertyKey, unknown>): boolean {
    if (['definition', 'version', 'themeVersion'].some((name) => changed.has(name))) this.#ask();
    return !this.hasUpdated || !changed.has('version');
  }

  #ask(): void {
    if (this.#onScreen && this.#width > 0) this.page.frames.ask(this, () => this.#paint());
  }

  #paint(): void {
    const { view } = this.page;
    const hidden = view.hidden.flatMap((key) =>
      key.startsWith(`${this.definition.id}/`) ? [key.slice(this.definition.id.length + 1)] : [],
    );
    const drawing = draw(
      {
        chart: this.definition,
        runs: this.runs,
        axis: view.axis,
        zoom: view.zoom,
        smoothing: view.smoothing,
        hidden,
        hiddenRuns: this.runs.length > 1 ? view.hiddenRuns : [],
        width: this.#width,
      },
      this.page.averages,
    );
    this.#drawing = drawing;
    const scales = {
      logarithmic: view.logarithmic.includes(this.definition.id),
      wholeSteps: view.axis === 'step',
    };
    const shape = JSON.stringify([
      this.themeVersion,
      scales,
      drawing.lines.map(({ run, line, kind, color }) => [run.id, line.key, kind, color]),
    ]);
    const size = { width: this.#width, height: HEIGHT };
    if (!this.#plot || shape !== this.#built) {
      this.#plot?.destroy();
      this.#theme = readTheme();
      this.#plot = new Plot(this.canvasHost, this.definition, drawing, this.#theme, scales, size, {
        onZoom: (zoom) => this.page.change({ zoom }),
        onCursor: (index) => {
          this.cursor = index;
        },
      });
      this.#built = shape;
    } else {
      this.#plot.resize(size);
    }
    this.#plot.set(drawing, this.#markers());
    // The legend's figures are the drawing's.
    this.requestUpdate();
  }

  #markers(): Marker[] {
    const run = this.runs[0];
    if (!run || this.runs.length > 1) return [];
    const { axis } = this.page.view;
    const at = (place: { step: number; epoch?: number; time: number }): number => pointAxis(run, axis, place);
    const best = run.record.best && !trainingsOf(run.record) && run.evals.find((e) => e.step === run.record.best?.step);
    return [
      ...run.marks.map((mark): Marker => ({ x: at(mark), kind: 'mark' })),
      ...run.checkpoints.map((checkpoint): Marker => ({ x: at(checkpoint), kind: 'checkpoint' })),
      ...(best ? [{ x: at(best), kind: 'best' } as const] : []),
      ...(run.start && run.start.step > 0 ? [{ x: at(run.start), kind: 'resume' } as const] : []),
    ];
  }

  #value(matches: (drawn: Drawing['lines'][number]) => boolean): string {
    const drawing = this.#drawing;
    if (!drawing) return '';
    // The average, where there is one: the raw line stands before it.
    const index = drawing.lines.findLastIndex(matches);
    if (index < 0) return '';
    const value = nearest(drawing.data[index + 1]!, this.cursor ?? drawing.data[0].length - 1);
    return value === null ? '' : this.definition.format(value);
  }

  get #entries(): Entry[] {
    const { view } = this.page;
    if (this.runs.length > 1)
      return this.runs.map((run, i) => ({
        id: run.id,
        name: run.record.name,
        color: RUN_COLORS[i % RUN_COLORS.length]!,
        dash: RUN_DASHES[i % RUN_DASHES.length]!,
        swatch: runSwatch(i),
        shown: !view.hiddenRuns.includes(run.id),
        value: this.#value((drawn) => drawn.run === run),
      }));
    return this.definition.lines.map((line) => ({
      id: line.key,
      name: line.name,
      color: line.color,
      dash: [],
      swatch: html`<span class="swatch swatch-${line.color}" aria-hidden="true"></span>`,
      shown: !view.hidden.includes(`${this.definition.id}/${line.key}`),
      value: this.#value((drawn) => drawn.line === line),
    }));
  }

  /** Names are left out where they would only repeat the chart's own title. */
  get #quiet(): boolean {
    return this.runs.length === 1 && this.definition.lines.length === 1;
  }

  #toggle(entry: Entry): void {
    const { view } = this.page;
    if (this.runs.length > 1) this.page.change({ hiddenRuns: toggled(view.hiddenRuns, entry.id) });
    else this.page.change({ hidden: toggled(view.hidden, `${this.definition.id}/${entry.id}`) });
  }

  async #copyPicture(): Promise<void> {
    if (!this.#plot || !this.#theme) return;
    const [plot, theme] = [this.#plot, this.#theme];
    // What leaves the page has a decimal point. All is drawn before the first wait, so the screen shows none of it.
    const picture = inEnglish(() => {
      plot.redraw();
      const shown = this.#entries.filter((entry) => entry.shown && entry.value);
      return chartPicture(plot.canvas, this.definition.title, shown, theme);
    });
    plot.redraw();
    const blob = await picture;
    if (await copyPicture(blob)) this.page.announce(`Picture of ${this.definition.title} copied.`);
    else
      this.page.post({
        type: 'savePicture',
        name: `${this.definition.id}.png`,
        png: new Uint8Array(await blob.arrayBuffer()),
      });
  }

  #key(event: KeyboardEvent): void {
    const drawing = this.#drawing;
    if (!drawing || !this.#plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const x = drawing.data[0];
    const at = this.cursor ?? x.length - 1;
    const go = (index: number): void => this.#point(Math.max(0, Math.min(x.length - 1, index)));
    const jump = event.shiftKey ? Math.max(1, Math.round(x.length / 20)) : 1;
    switch (event.key) {
      case 'ArrowLeft':
        go(at - jump);
        break;
      case 'ArrowRight':
        go(at + jump);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(x.length - 1);
        break;
      case '+':
      case '=':
        this.#zoomBy(0.5, x[at]);
        break;
      case '-':
        this.#zoomBy(2, x[at]);
        break;
      case 'Escape':
        if (!this.page.view.zoom) return;
        this.page.change({ zoom: null });
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #point(index: number): void {
    this.#plot?.point(index);
    const x = this.#drawing?.data[0][index];
    if (x === undefined) return;
    const values = this.#entries.filter((entry) => entry.shown && entry.value);
    this.page.announce(
      `${axisValue(this.page.view.axis, x)}: ${values.map((entry) => `${entry.name} ${entry.value}`).join(', ')}`,
    );
  }

  #zoomBy(factor: number, around: number | undefined): void {
    const shown = this.#drawing?.x;
    if (!shown || around === undefined) return;
    const whole = draw({ ...this.#wholeRequest(), zoom: null }, this.page.averages).x ?? shown;
    const min = Math.max(whole.min, around - (around - shown.min) * factor);
    const max = Math.min(whole.max, around + (shown.max - around) * factor);
    this.page.change({ zoom: min <= whole.min && max >= whole.max ? null : { min, max } });
  }

  #wholeRequest(): Parameters<typeof draw>[0] {
    const { view } = this.page;
    return { chart: this.definition, runs: this.runs, ...view, hidden: [], hiddenRuns: [], width: 50 };
  }

  protected override render(): TemplateResult {
    const { definition, page } = this;
    const { view } = page;
    const entries = this.#entries;
    const logarithmic = view.logarithmic.includes(definition.id);
    const place = this.cursor === null ? undefined : this.#drawing?.data[0][this.cursor];
    const empty = this.#drawing !== null && this.#drawing.data[0].length === 0;
    return html`
      <figure class="chart" aria-labelledby="title-${definition.id}">
        <div class="chart-head">
          <h3 id="title-${definition.id}">${definition.title}</h3>
          <span class="place">${place === undefined ? nothing : axisValue(view.axis, place)}</span>
          <div class="tools" role="toolbar" aria-label="${definition.title}: tools">
            ${
              definition.canBeLogarithmic
                ? html`<button
                    class="tool"
                    aria-pressed=${logarithmic}
                    title="Logarithmic axis"
                    aria-label="Logarithmic axis of ${definition.title}"
                    @click=${() => page.change({ logarithmic: toggled(view.logarithmic, definition.id) })}
                  ><span class="codicon codicon-graph-line" aria-hidden="true"></span></button>`
                : nothing
            }
            <button class="tool" title="Copy as picture" aria-label="Copy ${definition.title} as picture"
              @click=${() => this.#copyPicture()}>
              <span class="codicon codicon-device-camera" aria-hidden="true"></span>
            </button>
            <button class="tool" title="Copy data as CSV" aria-label="Copy data of ${definition.title} as CSV"
              @click=${() => page.copy(chartCsv(definition, this.runs), `Data of ${definition.title}`)}>
              <span class="codicon codicon-copy" aria-hidden="true"></span>
            </button>
          </div>
        </div>
        <div class="legend">
          ${entries.map(
            (
              entry,
            ) => html`<button class="entry" aria-pressed=${entry.shown} title=${entry.shown ? `Hide ${entry.name}` : `Show ${entry.name}`}
              @click=${() => this.#toggle(entry)}>
              ${this.#quiet && !entry.value ? nothing : entry.swatch}<span class=${this.#quiet ? 'visually-hidden' : 'entry-name'}>${entry.name}</span>
              <span class="entry-value">${entry.value}</span>
            </button>`,
          )}
        </div>
        ${this.#markText(place)}
        <div class="plot" tabindex="0" role="application" aria-roledescription="chart"
          aria-describedby="chart-keys"
          @focus=${this.#describe} @blur=${() => this.#plot?.leave()} @keydown=${this.#key}
          aria-label="${definition.title} by ${AXIS_NAMES[view.axis].toLowerCase()}"
        ><div class="canvas"></div>${empty ? html`<p class="empty">${this.#emptyText()}</p>` : nothing}</div>
      </figure>`;
  }

  /** Of the first chart of a run with marks: what the last one says at the cursor, without one that of the end. */
  #markText(place: number | undefined): TemplateResult | typeof nothing {
    const [run] = this.runs;
    if (!run || this.runs.length > 1 || run.marks.length === 0 || this.definition.id !== 'loss') return nothing;
    const { axis } = this.page.view;
    const mark = run.marks.findLast((each) => place === undefined || pointAxis(run, axis, each) <= place);
    const text = mark?.message ?? '';
    return html`<p class="mark" title=${text}>${text}</p>`;
  }

  /** The summary walks all points, so it is made when somebody comes to hear it. */
  #describe(): void {
    this.host.setAttribute('aria-label', summary(this.definition, this.runs, this.page.view.axis));
  }

  #emptyText(): string {
    const steps = this.runs.reduce((sum, run) => sum + run.steps.length, 0);
    if (this.page.view.zoom) return 'No points in this range. Press Escape to show everything.';
    const [run] = this.runs;
    if (steps > 0 && this.runs.length === 1 && run?.record.folds && run.fold === undefined)
      return 'The model of all rows has no validation rows. Evaluation has the metrics of the folds.';
    if (steps === 0) return 'Points appear after the first step.';
    if (this.#entries.every(({ shown }) => !shown)) return 'Every line is hidden. Click a name above to show it.';
    return this.runs.every(({ record }) => hasEnded(record.state))
      ? `No evaluation took place (${plural(steps, 'step')}).`
      : `Points appear after the first evaluation (${plural(steps, 'step')} so far).`;
  }
}

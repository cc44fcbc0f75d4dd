import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Candidate, Compared, Comparison } from '../../protocol/comparison.ts';
import { candidateName, saysOfFewerBits } from '../../protocol/comparison.ts';
import type { ComparisonMessage, ComparisonRequest } from '../../protocol/comparison-page.ts';
import { taskOf } from '../../protocol/tasks.ts';
import { failureBanner } from '../shared/failure.ts';
import { capital, count, duration, plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { qualityPlot, timeAxis, valueAxis } from './quality-plot.ts';
import { ComparisonStore } from './store.ts';
import { candidatesTable } from './table.ts';

const WIDEST_PLOT = 760;
/** Between two plots, as comparison.css has it. */
const GAP = 24;
/** From this width on two plots stand beside each other. */
const TWO_PLOTS = 880;
const HEADINGS: Readonly<Record<Compared, string>> = {
  ways: 'Which way is best?',
  models: 'Which model?',
  search: 'Which values are best?',
};

/** Several ways, or models, tried on the same rows: a choice with its reason, a plot and a table. */
@customElement('luthier-comparison')
export class ComparisonElement extends LightElement {
  @property({ attribute: false }) host!: Host<ComparisonMessage, ComparisonRequest>;

  readonly store = new ComparisonStore();
  /** Of the page, in pixels. */
  #width = WIDEST_PLOT;
  readonly #resized = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? WIDEST_PLOT);
    if (width === this.#width || width < 100) return;
    this.#width = width;
    this.requestUpdate();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.host.listen((message) => {
      this.store.apply(message);
      const kept = this.store.kept();
      if (message.type === 'snapshot' && kept) this.host.keep(kept);
      this.requestUpdate();
    });
    this.#resized.observe(this);
    this.host.post({ type: 'ready' });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
  }

  protected override render(): TemplateResult {
    const { asked, comparison, isWorking, failure } = this.store;
    const banner = failure ? failureBanner(failure, this.host, null) : nothing;
    if (!asked)
      return html`<div class="page-empty">${failure ? banner : html`<p class="empty" role="status">Reading…</p>`}</div>`;
    return html`
      <header class="page-header comparison-header">
        <div>
          <h1>${HEADINGS[asked.compared]}</h1>
          <p class="muted">${this.#about()}</p>
        </div>
        ${this.#tools()}
      </header>
      ${banner}
      ${
        comparison === null
          ? html`<p class="empty page-empty" role="status">${isWorking ? 'Estimating time and memory of each candidate…' : 'Nothing was measured.'}</p>`
          : this.#found(comparison)
      }
    `;
  }

  #about(): string {
    const { asked, comparison } = this.store;
    const { compared, data, models, minutes, rows, task } = asked!;
    const known = comparison?.rows || rows;
    const parts = [
      data,
      ...(compared === 'ways' ? models : []),
      ...(known > 0 ? [plural(known, taskOf(task).row)] : []),
    ];
    if (comparison) {
      const { folds, validation_rows: held } = comparison;
      parts.push(
        folds === null ? `${count(held)} held out, the same for all` : `${count(folds)} folds, the same for all`,
      );
      const budget = minutes === 0 ? '' : ` of ${duration(60 * minutes)}`;
      parts.push(`${duration(comparison.used_s)}${budget} used`);
    } else if (minutes > 0) parts.push(`${duration(60 * minutes)} at most`);
    return parts.join(' · ');
  }

  #tools(): TemplateResult | typeof nothing {
    const { isWorking, isResumable } = this.store;
    if (isWorking)
      return html`<div class="header-tools"><vscode-button secondary @click=${() => this.host.post({ type: 'interrupt' })}>Cancel</vscode-button></div>`;
    if (isResumable)
      return html`<div class="header-tools"><vscode-button @click=${() => this.host.post({ type: 'resume' })}>${this.store.comparison ? 'Resume' : 'Try Again'}</vscode-button></div>`;
    return nothing;
  }

  #found(comparison: Comparison): TemplateResult {
    const { measured } = this.store;
    const { compared, candidates, choice, metric: key, notes, state } = comparison;
    const points = measured.map((candidate) => ({
      name: candidateName(compared, candidate),
      isChosen: candidates[choice?.candidate ?? -1] === candidate,
      result: candidate.result,
      isEarlier: candidate.rung !== undefined && candidate.rung.rung < candidate.rung.rungs,
      values: candidate.values ?? {},
    }));
    // Of a search a plot for each value that was tried; of successive halving the last rung alone was trained as long.
    const axes =
      compared === 'search'
        ? [...new Set(points.flatMap(({ values }) => Object.keys(values)))].map((name) => valueAxis(name, points))
        : [timeAxis(points)];
    const isBeside = axes.length > 1 && this.#width >= TWO_PLOTS;
    const width = Math.min(WIDEST_PLOT, isBeside ? Math.floor((this.#width - GAP) / 2) : this.#width);
    const hasRungs = measured.some(({ rung }) => rung !== undefined);
    return html`
      ${choice ? this.#choice(comparison, candidates[choice.candidate]!, choice.reason) : nothing}
      ${state === 'interrupted' && !this.store.isWorking ? html`<p class="banner" role="status">Interrupted: ${count(measured.length)} of ${plural(candidates.length, 'candidate')} ${measured.length === 1 ? 'is' : 'are'} done. Resume tries the others.</p>` : nothing}
      ${state === 'done' && choice === null ? html`<p class="banner" role="status">No candidate was measured. The table says why.</p>` : nothing}
      ${[...notes, ...saysOfFewerBits(comparison)].map((note) => html`<p class="note"><span class="codicon codicon-info" aria-hidden="true"></span> ${note}</p>`)}
      ${
        points.length > 0
          ? html`<section aria-labelledby="plot-title">
              <h2 id="plot-title">${compared === 'search' ? 'Quality by value' : 'Quality against time'}</h2>
              <div class="plots">${axes.map((axis) => qualityPlot(key, points, width, axis))}</div>
              <p class="muted">Bars are 95 % intervals.${measured.some(({ result }) => result.stopped) ? ' Hollow points were stopped at the end of their share of the time.' : ''}${compared === 'search' && choice ? ' The marked point is the choice.' : ''}${hasRungs ? ' Pale points are of earlier rungs, whose candidates were trained for a shorter time.' : ''}</p>
            </section>`
          : nothing
      }
      ${candidatesTable(comparison, {
        isWorking: this.store.isWorking,
        share: this.store.share,
        openRun: (run) => this.host.post({ type: 'openRun', run }),
      })}
    `;
  }

  #choice({ compared, folds }: Comparison, chosen: Candidate, reason: string): TemplateResult {
    const at = this.store.comparison!.choice!.candidate;
    const train = (start: boolean) => () => this.host.post({ type: 'train', candidate: at, start });
    const { run } = chosen;
    const isSearch = compared === 'search';
    const name = candidateName(compared, chosen);
    // What the heading says is not said again.
    const isSaid = compared !== 'ways' && reason.startsWith(`${name}: `);
    return html`<section class="choice" aria-label="Choice">
      <h2><span class="codicon codicon-check" aria-hidden="true"></span> ${compared === 'ways' ? chosen.title : name}</h2>
      <p>${isSaid ? capital(reason.slice(name.length + 2)) : reason}</p>
      <div class="choice-tools">
        <vscode-button @click=${train(true)}>${isSearch ? 'Train with These' : 'Train This Way'}</vscode-button>
        <vscode-button secondary @click=${train(false)}>${isSearch ? 'Write Recipe' : 'Open Recipe'}</vscode-button>
        ${run !== null && folds === null ? html`<vscode-button secondary @click=${() => this.host.post({ type: 'openRun', run })}>Open Its Run</vscode-button>` : nothing}
      </div>
      ${folds === null ? html`<p class="muted">Its run has kept the model that was measured here; those of the others are deleted.</p>` : html`<p class="muted">The folds have left no model: training this way makes one.</p>`}
    </section>`;
  }
}

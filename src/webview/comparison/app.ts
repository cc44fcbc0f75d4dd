import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Candidate, Compared, Comparison } from '../../protocol/comparison.ts';
import { candidateName } from '../../protocol/comparison.ts';
import type { ComparisonMessage, ComparisonRequest } from '../../protocol/comparison-page.ts';
import { taskOf } from '../../protocol/tasks.ts';
import { failureBanner } from '../shared/failure.ts';
import { bytes, capital, count, duration, interval, metric, metricInText, percent, plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { qualityPlot, timeAxis, valueAxis } from './quality-plot.ts';
import { ComparisonStore } from './store.ts';

const NONE = '–';
const WIDEST_PLOT = 760;
const HEADINGS: Readonly<Record<Compared, string>> = {
  ways: 'Which way is best?',
  models: 'Which model?',
  search: 'Which values are best?',
};
const COLUMNS: Readonly<Record<Compared, string>> = { ways: 'Way', models: 'Model', search: 'Values' };

/** Several ways, or models, tried on the same rows: a choice with its reason, a plot and a table. */
@customElement('luthier-comparison')
export class ComparisonElement extends LightElement {
  @property({ attribute: false }) host!: Host<ComparisonMessage, ComparisonRequest>;

  readonly store = new ComparisonStore();
  #width = WIDEST_PLOT;
  readonly #resized = new ResizeObserver(([entry]) => {
    const width = Math.floor(Math.min(WIDEST_PLOT, entry?.contentRect.width ?? WIDEST_PLOT));
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
    const banner = failure ? failureBanner(failure, null) : nothing;
    if (!asked)
      return html`<div class="page-empty">${failure ? banner : html`<p class="empty" role="status">Reading…</p>`}</div>`;
    return html`
      <header class="comparison-header">
        <div>
          <h1>${HEADINGS[asked.compared]}</h1>
          <p class="muted">${this.#about()}</p>
        </div>
        <div class="header-tools">${this.#tools()}</div>
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
      return html`<vscode-button secondary @click=${() => this.host.post({ type: 'interrupt' })}>Cancel</vscode-button>`;
    if (isResumable)
      return html`<vscode-button @click=${() => this.host.post({ type: 'resume' })}>${this.store.comparison ? 'Resume' : 'Try Again'}</vscode-button>`;
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
    const hasRungs = measured.some(({ rung }) => rung !== undefined);
    return html`
      ${choice ? this.#choice(comparison, candidates[choice.candidate]!, choice.reason) : nothing}
      ${state === 'interrupted' && !this.store.isWorking ? html`<p class="banner" role="status">Interrupted: ${count(measured.length)} of ${plural(candidates.length, 'candidate')} ${measured.length === 1 ? 'is' : 'are'} done. Resume goes on with the others.</p>` : nothing}
      ${notes.map((note) => html`<p class="note"><span class="codicon codicon-info" aria-hidden="true"></span> ${note}</p>`)}
      ${
        points.length > 0
          ? html`<section aria-labelledby="plot-title">
              <h2 id="plot-title">${compared === 'search' ? 'Quality by value' : 'Quality against time'}</h2>
              <div class="plots">${axes.map((axis) => qualityPlot(key, points, this.#width, axis))}</div>
              <p class="muted">Bars are 95 % intervals.${measured.some(({ result }) => result.stopped) ? ' Hollow points were stopped at the end of their share of the time.' : ''}${compared === 'search' && choice ? ' The marked point is the choice.' : ''}${hasRungs ? ' Pale points are of earlier rungs, whose candidates were trained for a shorter time.' : ''}</p>
            </section>`
          : nothing
      }
      ${this.#table(comparison)}
    `;
  }

  #choice({ compared, folds }: Comparison, chosen: Candidate, reason: string): TemplateResult {
    const at = this.store.comparison!.choice!.candidate;
    const train = (start: boolean) => () => this.host.post({ type: 'train', candidate: at, start });
    const { run } = chosen;
    const isSearch = compared === 'search';
    return html`<section class="choice" aria-label="Choice">
      <h2><span class="codicon codicon-check" aria-hidden="true"></span> ${compared === 'models' ? chosen.model : chosen.title}</h2>
      <p>${reason}</p>
      <div class="choice-tools">
        <vscode-button @click=${train(true)}>${isSearch ? 'Train with These' : 'Train This Way'}</vscode-button>
        <vscode-button secondary @click=${train(false)}>${isSearch ? 'Write Recipe' : 'Open Recipe'}</vscode-button>
        ${run !== null && folds === null ? html`<vscode-button secondary @click=${() => this.host.post({ type: 'openRun', run })}>Open Its Run</vscode-button>` : nothing}
      </div>
      ${folds === null ? html`<p class="muted">Its run has kept the model that was measured here; those of the others are deleted.</p>` : html`<p class="muted">The folds have left no model: training this way makes one.</p>`}
    </section>`;
  }

  #table(comparison: Comparison): TemplateResult {
    const { compared, metric: key, candidates } = comparison;
    const isModels = compared === 'models';
    return html`<div class="scroll-x"><table class="candidates">
      <thead><tr>
        <th scope="col">${COLUMNS[compared]}</th>
        <th scope="col" class="number">${capital(metricInText(key))}</th>
        <th scope="col" class="number">95 % interval</th>
        <th scope="col" class="number">Time</th>
        <th scope="col" class="number">Memory</th>
        <th scope="col" class="number">Size</th>
        ${isModels ? html`<th scope="col">Way</th><th scope="col">Language</th><th scope="col">Licence</th><th scope="col" class="number">Parameters</th><th scope="col" class="number">Positions</th>` : nothing}
        <th scope="col" aria-label="Run"></th>
      </tr></thead>
      <tbody>${candidates.map((candidate, at) => this.#row(comparison, candidate, at))}</tbody>
    </table></div>`;
  }

  #row({ compared, metric: key, choice }: Comparison, candidate: Candidate, at: number): TemplateResult {
    const { result, about, reason, run, title, strategy } = candidate;
    const isModels = compared === 'models';
    const isChosen = choice?.candidate === at;
    const facts = isModels
      ? html`<td>${strategy}</td><td>${about?.languages?.join(', ') ?? NONE}</td><td class="word">${about?.license ?? NONE}</td><td class="number">${about ? count(about.parameters) : NONE}</td><td class="number">${about ? count(about.positions) : NONE}</td>`
      : nothing;
    const figures = result
      ? html`<td class="number">${metric(key, result.value)}</td>
          <td class="number">${result.low === null || result.high === null ? html`<span class="muted">too few rows</span>` : interval(key, { low: result.low, high: result.high })}</td>
          <td class="number">${duration(result.wall_s)}</td>
          <td class="number">${bytes(result.peak_rss_bytes)}</td>
          <td class="number">${bytes(result.model_bytes)}${result.adapter_bytes === null ? nothing : html`<br /><span class="muted">adapter ${bytes(result.adapter_bytes)}</span>`}</td>`
      : html`<td class="number" colspan="2"><span class="muted">${this.#state(candidate)}</span></td>
          <td class="number"><span class="muted">${candidate.estimate_s === null ? NONE : `about ${duration(candidate.estimate_s)}`}</span></td>
          <td class="number">${NONE}</td><td class="number">${NONE}</td>`;
    return html`<tr class=${isChosen ? 'is-chosen' : ''}>
      <th scope="row">${isChosen ? html`<span class="codicon codicon-check" role="img" aria-label="Choice"></span> ` : nothing}${candidateName(compared, candidate)}
        ${compared === 'ways' ? html`<div class="muted">${title}</div>` : nothing}
        ${reason === null ? nothing : html`<div class="muted">${reason}</div>`}</th>
      ${figures}${facts}
      <td class="row-tools">${run !== null && result !== null ? html`<button class="tool" title="Open Run" aria-label=${`Open the run of ${candidateName(compared, candidate)}`} @click=${() => this.host.post({ type: 'openRun', run })}><span class="codicon codicon-dashboard" aria-hidden="true"></span></button>` : nothing}</td>
    </tr>`;
  }

  #state({ state }: Candidate): string {
    switch (state) {
      case 'running':
        return this.store.isWorking ? `at work, ${percent(this.store.share, 0)}` : 'not done';
      case 'left-out':
        return 'left out';
      case 'failed':
        return 'failed';
      default:
        return 'waits';
    }
  }
}

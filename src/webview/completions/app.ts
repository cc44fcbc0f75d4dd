import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import {
  COMPLETION_SPANS,
  type CompletionCounts,
  type CompletionSpan,
  type CompletionsMessage,
  type CompletionsRequest,
} from '../../protocol/completions-page.ts';
import { wilson } from '../../protocol/wilson.ts';
import { failureBanner } from '../shared/failure.ts';
import { count, percent, plural, shares } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import { LightElement } from '../shared/light-element.ts';
import { CompletionsStore, type CountedRow, taken } from './store.ts';

const SPAN_NAMES: Record<CompletionSpan, string> = { '7': '7 days', '30': '30 days', all: 'All' };

/** What became of suggestions: shown, taken, rejected, changed afterwards. */
@customElement('luthier-completions')
export class CompletionsElement extends LightElement {
  @property({ attribute: false }) host!: Host<CompletionsMessage, CompletionsRequest>;

  readonly store = new CompletionsStore();

  override connectedCallback(): void {
    super.connectedCallback();
    this.store.restore(this.host.kept);
    this.host.listen((message) => {
      this.store.apply(message);
      this.requestUpdate();
    });
    this.host.post({ type: 'ready' });
  }

  #look(span: CompletionSpan): void {
    this.store.span = span;
    this.host.keep(this.store.kept());
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const { days, failure } = this.store;
    const banner = failure ? failureBanner(failure, this.host, () => this.host.post({ type: 'ready' })) : '';
    if (!days)
      return html`<div class="page-empty">${banner || html`<p class="empty" role="status">Reading…</p>`}</div>`;
    return html`
      <header class="page-header completions-header">
        <div>
          <h1>Completions</h1>
          <p class="muted">Counted on this machine, by day, model and language. What was suggested is not kept here.</p>
        </div>
        <div class="header-tools">
          <vscode-button secondary @click=${() => this.host.post({ type: 'choose' })}>Choose Model…</vscode-button>
          ${days.length > 0 ? html`<vscode-button secondary @click=${() => this.host.post({ type: 'delete' })}>Delete Counts…</vscode-button>` : ''}
        </div>
      </header>
      ${banner}
      ${days.length === 0 ? html`<p class="empty page-empty">Nothing has been suggested yet. Choose a model, and write: what becomes of its suggestions is counted here.</p>` : this.#counts()}
    `;
  }

  #counts(): TemplateResult {
    const { rows, total, span } = this.store;
    return html`
      <div class="spans" role="group" aria-label="Days">${COMPLETION_SPANS.map(
        (one) =>
          html`<button class="span" aria-pressed=${one === span} @click=${() => this.#look(one)}>${SPAN_NAMES[one]}</button>`,
      )}</div>
      ${
        rows.length === 0
          ? html`<p class="empty page-empty">Nothing was suggested in these days.</p>`
          : html`${figures(total)}
            <div class="scroll-x"><table class="counts">
              <thead><tr>
                <th scope="col">Model</th><th scope="col">Language</th>
                <th scope="col" class="number">Acceptance rate</th><th scope="col" class="number">Characters saved</th>
                <th scope="col" class="number">Shown</th><th scope="col" class="number">Accepted</th>
                <th scope="col" class="number">Partly</th><th scope="col" class="number">Rejected</th>
                <th scope="col" class="number">Edited</th>
              </tr></thead>
              <tbody>${rows.map(row)}</tbody>
            </table></div>
            <p class="muted note">A suggestion counts as shown once it stood for a quarter of a second or was accepted, as accepted when all of it was taken, as partly accepted when some words were, and as edited when it was changed within a minute. Characters saved are those that were put in instead of typed. The range behind a rate is its 95 % interval (Wilson).</p>`
      }
    `;
  }
}

const figures = (total: CompletionCounts): TemplateResult => html`<dl class="figures">
  <div><dt>Shown</dt><dd>${count(total.shown)}</dd></div>
  <div><dt>Accepted, all or some words</dt><dd>${count(taken(total))}</dd></div>
  <div><dt>Acceptance rate</dt><dd>${rate(total)}</dd></div>
  <div><dt>Characters saved</dt><dd>${count(total.characters)}</dd></div>
</dl>`;

const row = (counts: CountedRow): TemplateResult => html`<tr>
  <th scope="row" title=${counts.model}>${counts.name}</th>
  <td>${counts.language}</td>
  <td class="number">${rate(counts)}</td>
  <td class="number">${count(counts.characters)}</td>
  <td class="number">${count(counts.shown)}</td>
  <td class="number">${count(counts.accepted)}</td>
  <td class="number">${count(counts.partly)}</td>
  <td class="number">${count(counts.rejected)}</td>
  <td class="number" title=${`of ${plural(taken(counts), 'suggestion')} that ${taken(counts) === 1 ? 'was' : 'were'} taken`}>${count(counts.edited)}</td>
</tr>`;

/** A share of what was shown, and where the true one may lie. */
function rate(counts: CompletionCounts): TemplateResult | string {
  const { shown } = counts;
  if (shown === 0) return '–';
  const hits = Math.min(taken(counts), shown);
  return html`${percent(hits / shown)} <span class="muted interval">(${shares(wilson(hits, shown), 0)})</span>`;
}

import { html, nothing, type TemplateResult } from 'lit';
import { count } from '../shared/format.ts';
import { lineCell } from './cells.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

/** Answers to a few validation rows: the row's own, the untouched base's, and those of the latest evaluation. */
export const samplesView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const latest = run.samples.at(-1);
  if (!latest) return nothing;
  const base = run.samples.find(({ step }) => step === 0);
  const answerOf = (i: number) => base?.samples[i]?.answer ?? '';
  const hasBase = base !== undefined && base !== latest;
  return html`<section aria-labelledby="samples-title">
    <h2 id="samples-title">Answers to validation rows</h2>
    <div class="scroll-x"><table class="data rows samples">
      <thead><tr><th scope="col" class="number">Line</th><th scope="col">Prompt</th><th scope="col">Reference</th>${
        hasBase ? html`<th scope="col">Base model</th>` : nothing
      }<th scope="col">${latest.step === 0 ? 'Base model' : `Step ${count(latest.step)}`}</th></tr></thead>
      <tbody>${latest.samples.map(
        (sample, i) => html`<tr>
          ${lineCell(run, sample, page)}
          <td class="text"><div class="read">${sample.prompt}</div></td>
          <td class="text"><div class="read">${sample.reference}</div></td>
          ${hasBase ? html`<td class="text"><div class="read">${answerOf(i)}</div></td>` : nothing}
          <td class="text"><div class="read">${sample.answer}</div></td>
        </tr>`,
      )}</tbody>
    </table></div>
    <p class="empty">The same rows at each evaluation, answered greedily, at most 48 tokens.</p>
  </section>`;
};

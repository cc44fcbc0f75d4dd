import { html, nothing, type TemplateResult } from 'lit';
import { METRIC_NAMES, metric } from '../shared/format.ts';
import { RUN_COLORS } from './charts.ts';
import type { Page } from './page.ts';
import { recipeRows } from './recipe-rows.ts';
import type { RunView } from './store.ts';

export const recipeView = (runs: readonly RunView[], page: Page): TemplateResult => {
  const several = runs.length > 1;
  const rows = recipeRows(runs.map((run) => run.record.recipe));
  const shown = several && page.view.differencesOnly ? rows.filter((row) => row.differs) : rows;
  const focused = page.store.focused;
  return html`
    <section aria-labelledby="recipe-title">
      <div class="section-head">
        <h2 id="recipe-title">${several ? 'Recipes compared' : 'Recipe'}</h2>
        ${
          several
            ? html`<vscode-checkbox ?checked=${page.view.differencesOnly} label="Differences only"
                @change=${(event: Event) => page.change({ differencesOnly: (event.target as HTMLInputElement).checked })}></vscode-checkbox>`
            : focused
              ? html`<vscode-button secondary icon="go-to-file" @click=${() => page.act(focused, 'openRecipe')}>Open</vscode-button>`
              : nothing
        }
      </div>
      ${
        shown.length === 0
          ? html`<p class="empty">The recipes are the same.</p>`
          : html`<div class="scroll-x"><table class="data recipe">
              ${several ? html`<thead><tr><th scope="col">Key</th>${runs.map((run, i) => runHead(run, i))}</tr></thead>` : nothing}
              <tbody>
                ${shown.map(
                  (row) => html`<tr>
                    <th scope="row"><code>${row.key}</code></th>
                    ${row.values.map((value) => html`<td class=${several && row.differs ? 'differs' : ''}><code>${value || '–'}</code></td>`)}
                  </tr>`,
                )}
              </tbody>
            </table></div>`
      }
    </section>
    ${several ? resultsTable(runs) : nothing}`;
};

const runHead = (run: RunView, index: number): TemplateResult =>
  html`<th scope="col"><span class="swatch swatch-${RUN_COLORS[index % RUN_COLORS.length]!}" aria-hidden="true"></span>${run.record.name}</th>`;

/** The best validation metrics of the runs, so that a difference in the recipe stands beside what it did. */
const resultsTable = (runs: readonly RunView[]): TemplateResult => {
  const keys = Object.keys(METRIC_NAMES).filter((key) => runs.some((run) => key in (run.record.best?.metrics ?? {})));
  if (keys.length === 0) return html``;
  const value = (run: RunView, key: string): number | undefined =>
    (run.record.best?.metrics as Record<string, number> | undefined)?.[key];
  return html`<section aria-labelledby="results-title">
    <h2 id="results-title">Best validation metrics</h2>
    <div class="scroll-x"><table class="data recipe">
      <thead><tr><th scope="col">Metric</th>${runs.map((run, i) => runHead(run, i))}</tr></thead>
      <tbody>${keys.map(
        (key) => html`<tr><th scope="row">${METRIC_NAMES[key]}</th>
          ${runs.map((run) => html`<td>${metric(key, value(run, key))}</td>`)}</tr>`,
      )}</tbody>
    </table></div>
  </section>`;
};

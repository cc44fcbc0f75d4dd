import { html, nothing, type TemplateResult } from 'lit';
import { runHead } from './compare-view.ts';
import type { Page } from './page.ts';
import { recipeRows } from './recipe-rows.ts';
import type { RunView } from './store.ts';

/** A key breaks where its words do, not in the middle of one. */
const breakable = (key: string): unknown =>
  key.split(/(?<=[._])/).map((part, i) => (i === 0 ? part : html`<wbr>${part}`));

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
                    <th scope="row"><code>${breakable(row.key)}</code></th>
                    ${row.values.map((value) => html`<td class=${several && row.differs ? 'differs' : ''}><code>${value || '–'}</code></td>`)}
                  </tr>`,
                )}
              </tbody>
            </table></div>`
      }
    </section>`;
};

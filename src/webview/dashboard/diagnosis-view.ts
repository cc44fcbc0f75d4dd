import { html, nothing, type TemplateResult } from 'lit';
import { type Change, type Finding, findingsOf } from '../../protocol/findings.ts';
import type { Page } from './page.ts';
import { hasEnded, type RunView } from './store.ts';

/** What a run says about itself, the most important first, each with what to try next: before its end how its figures are measured. */
export const diagnosisView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const ended = hasEnded(run.record.state);
  const findings = findingsOf(run.record).filter(({ code }) => ended || code === 'fewer-bits');
  if (findings.length === 0) return nothing;
  return html`<section class="diagnosis" aria-labelledby="diagnosis-title">
    <h2 id="diagnosis-title" class="visually-hidden">Diagnosis</h2>
    <ul>${findings.map((finding) => findingItem(run, finding, page))}</ul>
  </section>`;
};

const findingItem = (run: RunView, finding: Finding, page: Page): TemplateResult => {
  const { severity, title, text, change } = finding;
  return html`<li class="finding">
    <span class="codicon codicon-${severity === 'warning' ? 'warning' : 'info'} is-${severity}" aria-hidden="true"></span>
    <div class="said"><h3>${title}</h3><p>${text}</p></div>
    ${change && isPossible(run, change) ? changeButton(run, finding, change, page) : nothing}
  </li>`;
};

const ICONS: Readonly<Record<Change['kind'], string>> = {
  recipe: 'lightbulb',
  rows: 'list-flat',
  data: 'table',
  folds: 'layers',
  evaluate: 'checklist',
};

const HINTS: Readonly<Record<Change['kind'], string>> = {
  recipe: 'Opens a copy of the recipe with this change; nothing starts before you start it',
  rows: 'Rows with the highest loss',
  data: 'Classes, rows and problems of the dataset',
  folds: 'Measures all rows; asks for the number of folds first',
  evaluate: 'Measures the written model; asks for the file first',
};

/** Looking at rows is always possible; the rest needs a run that is there and may be worked with. */
const isPossible = (run: RunView, { kind }: Change): boolean =>
  kind === 'rows' ||
  (!run.readOnly &&
    !run.gone &&
    (kind !== 'folds' || run.record.recipe_path !== null) &&
    (kind !== 'evaluate' || (hasEnded(run.record.state) && run.modelFolder !== null)));

const changeButton = (run: RunView, { code }: Finding, { kind, title }: Change, page: Page): TemplateResult => {
  const act = (): void => {
    if (kind !== 'rows') page.post({ type: 'change', run: run.id, finding: code });
    else {
      page.change({ tab: 'evaluation', split: 'validation', focus: run.id });
      page.reveal('.area-worst');
    }
  };
  return html`<vscode-button secondary icon=${ICONS[kind]} title=${HINTS[kind]} @click=${act}>${title}</vscode-button>`;
};

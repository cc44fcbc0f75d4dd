import { html, nothing, svg, type TemplateResult } from 'lit';
import { largest } from '../../protocol/arrays.ts';
import type { SolvedEvent } from '../../protocol/events.ts';
import { isSolvedHead } from '../../protocol/recipe.ts';
import { count, fixed, percent, plural, significant } from '../shared/format.ts';
import { isWorking, type RunView } from './store.ts';

/** Of a run whose only step was to solve the classifier, charts of steps would show a point each. */
export const isSolvedRun = ({ record }: Pick<RunView, 'record'>): boolean =>
  record.recipe.strategy !== undefined && isSolvedHead(record.recipe.strategy);

/** How the classifier was solved: in the charts' place where that was all, below them where pairs were learnt first. */
export const solvedView = (run: RunView): TemplateResult | typeof nothing => {
  const { solved } = run;
  const isAll = isSolvedRun(run);
  if (!solved) return isAll ? waiting(run) : nothing;
  return html`<section class="solved" aria-labelledby="solved-title">
    <h2 id="solved-title">${isAll ? 'The classifier' : `The classifier on these embeddings, at step ${count(solved.step)}`}</h2>
    <p>${howSolved(solved)}</p>
    ${
      solved.choices.length === 0
        ? html`<p class="empty">There were too few training rows to choose C, the inverse strength of the regularisation, by cross-validation.</p>`
        : choiceTable(solved)
    }
  </section>`;
};

const waiting = (run: RunView): TemplateResult =>
  html`<section><p class="empty">${
    isWorking(run.record.state)
      ? 'The features of the training rows are being computed; then the classifier is solved in one step.'
      : 'The classifier was solved in one step. How C was chosen stands among the events.'
  }</p></section>`;

export const howSolved = ({ rows, label_rows, features, iterations, converged, seconds, loss }: SolvedEvent): string =>
  `Solved by L-BFGS on ${plural(rows, 'row')} of ${plural(features, 'feature')}${label_rows === undefined ? '' : ` and ${plural(label_rows, 'row')} of the labels’ names`}: ${plural(iterations, 'iteration')}${converged ? '' : ', not to its end'}, mean loss ${significant(loss)}. Choosing C and solving took ${seconds < 10 ? fixed(seconds, 1) : count(seconds)}\u00a0s.`;

/** Beside the figure that it is of. */
const bar = (share: number): TemplateResult =>
  html`<td class="wide-only"><svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${svg`<rect width=${100 * share} height="8"></rect>`}</svg></td>`;

const choiceTable = ({ choices, folds, validated_rows, C }: SolvedEvent): TemplateResult => {
  const isAccuracy = choices[0]!.accuracy !== undefined;
  // Accuracies are shares of one; of losses the largest fills the bar.
  const most = largest(choices, ({ loss }) => loss, Number.MIN_VALUE);
  const length = ({ accuracy, loss }: SolvedEvent['choices'][number]) => accuracy ?? loss / most;
  return html`
    <div class="scroll-x"><table class="data choices">
      <caption class="visually-hidden">How C was chosen</caption>
      <thead><tr><th scope="col">C</th>${
        isAccuracy
          ? html`<th scope="col" class="number">Accuracy</th><td class="wide-only" aria-hidden="true"></td>`
          : nothing
      }<th scope="col" class="number">Loss</th>${isAccuracy ? nothing : html`<td class="wide-only" aria-hidden="true"></td>`}</tr></thead>
      <tbody>${choices.map((choice) => {
        const isChosen = choice.C === C;
        return html`<tr class=${isChosen ? 'chosen' : ''}>
          <th scope="row">${significant(choice.C, 1)}${
            isChosen
              ? html` <span class="chosen-mark"><span class="codicon codicon-check" aria-hidden="true"></span>chosen</span>`
              : nothing
          }</th>
          ${isAccuracy ? html`<td class="number">${percent(choice.accuracy)}</td>${bar(length(choice))}` : nothing}
          <td class="number">${significant(choice.loss)}</td>
          ${isAccuracy ? nothing : bar(length(choice))}
        </tr>`;
      })}</tbody>
    </table></div>
    <p class="empty">C is the inverse strength of the regularisation. The ${isAccuracy ? 'highest accuracy (of equal ones the lowest loss)' : 'lowest loss'} of a ${count(folds)}-fold cross-validation on ${plural(validated_rows, 'training row')} decides; the validation rows have no part in it.</p>`;
};

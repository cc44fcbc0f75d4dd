import { html, nothing, type TemplateResult } from 'lit';
import type { TagPrediction } from '../../protocol/answers.ts';
import { percent } from '../shared/format.ts';
import { type CorrectionActions, correction } from './correct.ts';
import type { Result, TryoutStore } from './store.ts';

/** A text with its entities marked, below it each of them with its score, and the way to correct them. */
export const entitiesView = (
  result: Result<TagPrediction>,
  index: number,
  store: TryoutStore,
  actions: CorrectionActions,
): TemplateResult => {
  const { text, entities } = result.tuned;
  return html`<article class="result" aria-labelledby="text-${index}">
    <p class="text marked" id="text-${index}">${marked(text, entities)}</p>
    ${
      entities.length === 0
        ? html`<p class="expected">No entities found.</p>`
        : html`<table class="scores entities">
            <thead class="visually-hidden"><tr><th scope="col">Entity</th><th scope="col">Type</th><th scope="col">Score</th></tr></thead>
            <tbody>${entities.map(
              ({ entity_group, word, score }) => html`<tr>
                <th scope="row" title=${word}>${word}</th>
                <td class="type">${entity_group}</td>
                <td class="tuned"><div class="bar"><progress max="1" .value=${score} aria-hidden="true"></progress><span class="number">${percent(score)}</span></div></td>
              </tr>`,
            )}</tbody>
          </table>`
    }
    <div class="under">${correction(result, index, store, actions)}</div>
  </article>`;
};

/** Places are in code points, as Python counts. */
function marked(text: string, entities: TagPrediction['entities']): TemplateResult {
  const points = [...text];
  const parts: unknown[] = [];
  let at = 0;
  for (const { entity_group, start, end } of entities) {
    parts.push(
      points.slice(at, start).join(''),
      html`<mark class="span">${points.slice(start, end).join('')}<span class="span-type"> ${entity_group}</span></mark>`,
    );
    at = end;
  }
  return html`${parts}${at < points.length ? points.slice(at).join('') : nothing}`;
}

import { html, nothing, type TemplateResult } from 'lit';
import { type MaskPrediction, maskFills } from '../../protocol/answers.ts';
import { percent } from '../shared/format.ts';
import { type Result, shownToken } from './store.ts';

/** A text with its masks filled in as is likeliest, below it what else the model would put there. */
export const masksView = (result: Result<MaskPrediction>, index: number, mask: string): TemplateResult => {
  const { tuned } = result;
  const masks = maskFills(tuned);
  return html`<article class="result" aria-labelledby="text-${index}">
    <p class="text marked" id="text-${index}">${filledIn(tuned.text, masks, mask)}</p>
    ${masks.map(
      (fills, i) => html`<table class="scores candidates">
        <caption class=${masks.length > 1 ? '' : 'visually-hidden'}>${masks.length > 1 ? `${mask} ${i + 1} of ${masks.length}` : `Likeliest for ${mask}`}</caption>
        <thead class="visually-hidden"><tr><th scope="col">Candidate</th><th scope="col">Probability</th></tr></thead>
        <tbody>${fills.map(
          (fill, k) => html`<tr class=${k === 0 ? 'first' : ''}>
            <th scope="row" title=${fill.sequence}>${shownToken(fill)}</th>
            <td class="tuned"><div class="bar"><progress max="1" .value=${fill.score} aria-hidden="true"></progress><span class="number">${percent(fill.score)}</span></div></td>
          </tr>`,
        )}</tbody>
      </table>`,
    )}
  </article>`;
};

/** The text as it was typed, the likeliest token in the place of each mask. */
function filledIn(text: string, masks: ReturnType<typeof maskFills>, mask: string): TemplateResult | string {
  const parts = text.split(mask);
  // Another number of masks than the model read: the text stays as it is.
  if (parts.length !== masks.length + 1) return text;
  return html`${parts.map((part, i) => {
    const best = masks[i]?.[0];
    if (!best) return part;
    const number = masks.length > 1 ? ` ${i + 1}` : '';
    return html`${part}<mark class="span">${shownToken(best)}<span class="span-type"> ${mask}${number}</span></mark>`;
  })}${nothing}`;
}

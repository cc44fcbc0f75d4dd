import { html, nothing, type TemplateResult } from 'lit';
import { formatChange } from '../../protocol/figures.ts';
import { FORGETS_MUCH, forgetsMuch } from '../../protocol/forgetting.ts';
import { plural, significant } from '../shared/format.ts';
import type { RunView } from './store.ts';

/** How well a model that writes still foretells a general text, beside its base. */
export const forgettingView = ({ done }: RunView): TemplateResult | typeof nothing => {
  if (!done?.forgetting) return nothing;
  const { before, after, tokens } = done.forgetting;
  return html`<section aria-labelledby="forgetting-title">
    <h2 id="forgetting-title">What is left of the base model</h2>
    <div class="scroll-x"><table class="data forgetting">
      <thead><tr><th scope="col">Perplexity of a general text</th><th scope="col" class="number">Base model</th><th scope="col" class="number">This model</th><th scope="col" class="number">Change</th></tr></thead>
      <tbody><tr><th scope="row">${plural(tokens, 'token')}</th>
        <td class="number">${significant(before)}</td><td class="number">${significant(after)}</td>
        <td class="number">${formatChange(before, after)}</td></tr></tbody>
    </table></div>
    ${
      forgetsMuch(done.forgetting)
        ? html`<p class="few next"><span class="codicon codicon-warning" aria-hidden="true"></span><span>${FORGETS_MUCH}</span></p>`
        : nothing
    }
    <p class="empty">A fixed English text of several kinds, part of no dataset. Where its perplexity grows, the model has forgotten something of its base: a lower learning rate, fewer epochs or LoRA keep more.</p>
  </section>`;
};

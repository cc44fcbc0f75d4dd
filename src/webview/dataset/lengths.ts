import { html, svg, type TemplateResult } from 'lit';
import { largest } from '../../protocol/arrays.ts';
import type { RowLengths } from '../../protocol/data.ts';
import { count } from '../shared/format.ts';

const HEIGHT = 96;
const BAR = 10;
const GAP = 2;

/** How long the texts are: a histogram in characters, and its figures in words for who cannot see it. */
export const lengthsView = (lengths: RowLengths): TemplateResult => {
  const { counts, step, min, median, p95, max } = lengths;
  const most = largest(counts, undefined, 1);
  const cut = counts.length * step < max;
  const words = `Shortest ${count(min)}, median ${count(median)}, 95th percentile ${count(p95)}, longest ${count(max)} characters`;
  return html`
    <svg class="lengths" viewBox="0 0 ${counts.length * (BAR + GAP)} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${words}>
      ${counts.map((n, i) => {
        const height = n === 0 ? 0 : Math.max(2, (n / most) * HEIGHT);
        return svg`<rect x=${i * (BAR + GAP)} y=${HEIGHT - height} width=${BAR} height=${height}><title>${`${count(i * step)}${
          cut && i === counts.length - 1 ? ' or more' : `–${count((i + 1) * step - 1)}`
        } characters: ${count(n)}`}</title></rect>`;
      })}
    </svg>
    <div class="axis muted" aria-hidden="true"><span>0</span><span>${count(counts.length * step)}${cut ? ' or more' : ''}</span></div>
    <dl class="figures">
      <div><dt>Shortest</dt><dd>${count(min)}</dd></div>
      <div><dt>Median</dt><dd>${count(median)}</dd></div>
      <div><dt>95th percentile</dt><dd>${count(p95)}</dd></div>
      <div><dt>Longest</dt><dd>${count(max)}</dd></div>
    </dl>`;
};

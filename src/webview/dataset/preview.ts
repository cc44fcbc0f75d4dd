import { html, nothing, type TemplateResult } from 'lit';
import type { DataPreview, LearntRow } from '../../protocol/data.ts';
import type { DatasetMessage, DatasetRequest } from '../../protocol/dataset-page.ts';
import { count, plural } from '../shared/format.ts';
import type { Host } from '../shared/host.ts';
import type { DatasetPageStore } from './store.ts';

type PageHost = Host<DatasetMessage, DatasetRequest>;

/** The first rows as a model that writes would see them: what is learnt is marked, what does not fit is crossed out. */
export const previewView = (known: DatasetPageStore['preview'], trusted: boolean, host: PageHost): TemplateResult => {
  const { preview, problem } = known ?? { preview: null, problem: null };
  return html`<section aria-labelledby="preview-title">
    <div class="section-head">
      <h2 id="preview-title">What is learnt</h2>
      ${trusted ? html`<button class="link" @click=${() => host.post({ type: 'preview', choose: true })}>Another model…</button>` : nothing}
    </div>
    ${
      preview ? learnt(preview, host) : html`<p class="empty" role="status">${problem ?? 'Reading the first rows…'}</p>`
    }
  </section>`;
};

const learnt = (
  { model, max_length, read, truncated, notes, rows }: DataPreview,
  host: PageHost,
): TemplateResult => html`
  <p class="muted">As ${model} would see the first rows, with a max_length of ${plural(max_length, 'token')}: ${
    truncated === 0 ? `the first ${count(read)} fit` : `${count(truncated)} of the first ${count(read)} are longer`
  }.${notes.map((note) => html` ${note}`)}</p>
  <ul class="learnt-rows">${rows.map((row) => rowView(row, host))}</ul>
  <p class="legend"><mark>Learnt</mark> <span class="muted">Only read</span>${
    rows.some(({ parts }) => parts.some(({ kind }) => kind === 'cut')) ? html` <del>Does not fit</del>` : nothing
  }</p>`;

const rowView = (
  { file, line, tokens, learnt: own, windows, parts }: LearntRow,
  host: PageHost,
): TemplateResult => html`<li>
  <p class="learnt-head"><button class="link line" title="Open line ${line}" aria-label="Open line ${line}"
    @click=${() => host.post({ type: 'openRow', file, line })}>${line}</button>
    <span class="muted">${count(own)} of ${plural(tokens, 'token')} learnt${windows > 1 ? `, the first of ${plural(windows, 'window')}` : ''}</span></p>
  <p class="learnt-text" tabindex="0">${parts.map(part)}</p>
</li>`;

const part = ({ text, kind }: LearntRow['parts'][number]): TemplateResult =>
  kind === 'learnt'
    ? html`<mark>${text}</mark>`
    : kind === 'cut'
      ? html`<del>${text}</del>`
      : html`<span class="muted">${text}</span>`;

import { html, nothing, svg, type TemplateResult } from 'lit';
import { largest } from '../../protocol/arrays.ts';
import {
  type BitsCompared,
  type CompletionReport,
  foretellsBetter,
  REPLAY_POLICY,
  type Replay,
  savedShare,
} from '../../protocol/completion-report.ts';
import { count, interval, metric, percent, plural, shares } from '../shared/format.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

/** What suggestions of a run's model are worth while somebody types files that it has not learned, beside its base. */
export const completionsView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const { completions } = run;
  if (completions === null) return offer(run, page);
  return html`<section class="completions" aria-labelledby="completions-title">
    <h2 id="completions-title">Suggestions while you write</h2>
    ${completions.replay.model.characters === 0 ? nothing : saved(completions)}
    ${foretold(completions)}
    <p class="empty">${verdict(completions)} ${REPLAY_POLICY} A person accepts otherwise: take it as a comparison of models, not as a promise.</p>
  </section>`;
};

/** Of a run whose model can be measured and was not. */
const offer = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  if (!run.learnedFiles || run.modelFolder === null || run.readOnly || run.gone) return nothing;
  return html`<section aria-labelledby="completions-title">
    <h2 id="completions-title">Suggestions while you write</h2>
    <p>What this model’s suggestions would save in typing the files that it has not learned has not been measured yet.</p>
    <vscode-button secondary icon="dashboard" title="Type held-out files again with this model and with its base model"
      @click=${() => page.act(run, 'measureCompletions')}>Measure Completions</vscode-button>
  </section>`;
};

/** In plain words, and as two bars that can be compared at a glance. */
const saved = ({ replay, split }: CompletionReport): TemplateResult => {
  const { base: before, model: after } = replay;
  const ends = [before, after].flatMap((one) => [savedShare(one), one.interval?.high ?? 0]);
  const whole = largest(ends, undefined, 0.01);
  return html`
    <p>Typing ${plural(after.lines, 'line')} of ${plural(after.files, `${split} file`)} again, accepted suggestions
      would have saved <strong>${count(after.saved)} of ${plural(after.characters, 'character')}</strong>.
      With its base model untouched, ${count(before.saved)}.</p>
    <div class="saved">
      ${savedRow('This model', after, whole, true)}
      ${savedRow('Base model', before, whole, false)}
    </div>`;
};

/** Of the bar, 100 wide, so many pixels high. */
const HEIGHT = 12;

const savedRow = (name: string, one: Replay, whole: number, isOwn: boolean): TemplateResult => {
  const { interval, shown, accepted } = one;
  const at = (share: number) => (100 * share) / whole;
  const range = interval && shares(interval);
  return html`
    <span>${name}</span>
    <svg class=${isOwn ? 'own' : ''} viewBox="0 0 100 ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="${name}: ${percent(savedShare(one))} of the characters saved">
      <rect class="track" width="100" height=${HEIGHT}></rect>
      <rect width=${at(savedShare(one))} height=${HEIGHT}></rect>
      ${
        interval &&
        svg`<path d="M${at(interval.low)} ${HEIGHT / 2}H${at(interval.high)}" vector-effect="non-scaling-stroke"></path>`
      }
    </svg>
    <span class="number">${percent(savedShare(one))}</span>
    <span class="muted">${range ? `${percent(0.95, 0)} interval ${range} · ` : ''}${count(accepted)} of ${plural(shown, 'suggestion')} accepted</span>`;
};

const foretold = ({ bits_per_byte, accepted, files, split }: CompletionReport): TemplateResult => {
  const row = (what: string, { base, model, interval: range }: BitsCompared) => html`<tr><th scope="row">${what}</th>
    <td class="number">${metric('bits_per_byte', base)}</td><td class="number">${metric('bits_per_byte', model)}</td>
    <td class="number">${range === null ? '–' : interval('bits_per_byte', range)}</td></tr>`;
  return html`<div class="scroll-x"><table class="data">
    <thead><tr><th scope="col">Bits a byte, not learned</th><th scope="col" class="number">Base model</th><th scope="col" class="number">This model</th><th scope="col" class="number">Fewer by, ${percent(0.95, 0)}</th></tr></thead>
    <tbody>
      ${row(plural(files, `${split} file`), bits_per_byte)}
      ${accepted ? row(plural(accepted.rows, 'accepted completion'), accepted.bits_per_byte) : nothing}
    </tbody>
  </table></div>`;
};

/** Fewer bits a byte are better. */
const verdict = ({ bits_per_byte: bits }: CompletionReport): string =>
  foretellsBetter(bits)
    ? 'This model foretells the files better than its base model.'
    : bits.model < bits.base
      ? 'This model foretells the files better than its base model, but the difference may be chance.'
      : 'This model does not foretell the files better than its base model.';

import { html, nothing, type TemplateResult } from 'lit';
import type { RunAction } from '../../protocol/dashboard-page.ts';
import { inOneLine } from '../../protocol/errors.ts';
import { afterLastStep } from '../../protocol/figures.ts';
import type { RunState } from '../../protocol/states.ts';
import { trainingName, trainingsOf } from '../../protocol/trainings.ts';
import { count, duration, plural, short } from '../shared/format.ts';
import { shownState } from './log-lines.ts';
import type { Page } from './page.ts';
import { hasEnded, isWorking, type RunView, stepOf } from './store.ts';

interface Button {
  action: RunAction;
  label: string;
  icon: string;
  primary?: boolean;
  /** Shown while the run has not answered yet. */
  waiting?: string;
  title: string;
}

const PAUSE: Button = {
  action: 'pause',
  label: 'Pause',
  icon: 'debug-pause',
  waiting: 'Pausing after this step…',
  title: 'Finish this step, write a checkpoint and wait (P)',
};
const RESUME: Button = {
  action: 'resume',
  label: 'Resume',
  icon: 'debug-continue',
  primary: true,
  waiting: 'Resuming…',
  title: 'Resume with the next step (P)',
};
const STOP: Button = {
  action: 'stop',
  label: 'Stop and Keep Best',
  icon: 'debug-stop',
  waiting: 'Stopping after this step…',
  title: 'Finish this step, save the best weights as the model and end the run (S)',
};
/** In a fold there is no model yet that could be kept. */
const STOP_FOLDS: Button = {
  ...STOP,
  label: 'Stop and Keep Folds',
  title: 'Finish this step and end the run; finished folds are kept, and no model is trained (S)',
};
const CANCEL: Button = {
  action: 'cancel',
  label: 'Discard…',
  icon: 'trash',
  waiting: 'Discarding…',
  title: 'End the run without keeping a model',
};
const TRY: Button = {
  action: 'try',
  label: 'Try Model',
  icon: 'beaker',
  primary: true,
  title: 'Type a text and see its label (T)',
};
const EVALUATE: Button = {
  action: 'evaluate',
  label: 'Evaluate on File…',
  icon: 'checklist',
  title: 'Measure the model on other rows',
};
const EXPORT: Button = {
  action: 'export',
  label: 'Export…',
  icon: 'export',
  title: 'Write the model in another format',
};
const DUPLICATE: Button = {
  action: 'duplicate',
  label: 'Duplicate and Edit',
  icon: 'files',
  title: 'Edit a copy of this recipe',
};

/** For the spinner inside a button, which no style sheet of the page reaches. */
const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)') ?? { matches: false };

/** What can be done to a run in its state. */
export const buttonsFor = (
  state: RunState,
  hasModel: boolean,
  { isFold = false, hasCheckpoint = true } = {},
): Button[] => {
  const stop = isFold ? STOP_FOLDS : STOP;
  if (state === 'queued') return [CANCEL];
  if (state === 'paused') return [RESUME, stop, CANCEL];
  if (isWorking(state)) return [PAUSE, stop, CANCEL];
  const model = hasModel ? [TRY, EVALUATE, EXPORT] : [];
  // It would fail the same way once more: its recipe is what to change.
  if (state === 'failed' && !hasCheckpoint)
    return [
      { ...DUPLICATE, primary: true },
      { ...RESUME, primary: false },
    ];
  if (state === 'interrupted' || state === 'failed')
    return [RESUME, ...model.map((b) => ({ ...b, primary: false })), DUPLICATE];
  return [...model, DUPLICATE];
};

const statePill = (run: RunView): TemplateResult => {
  const { icon, words, tone } = shownState(run.record.state);
  const spins = tone === 'busy' && !run.gone;
  const text =
    run.record.state === 'queued' && run.queuePosition !== null
      ? run.queuePosition === 1
        ? 'Queued, next'
        : `Queued, no. ${run.queuePosition} in line`
      : words;
  return html`<span class="pill tone-${tone}">
    <span class="codicon codicon-${icon} ${spins ? 'codicon-modifier-spin' : ''}" aria-hidden="true"></span>${text}
  </span>`;
};

const progressText = (run: RunView): string => {
  const { record, start } = run;
  const step = stepOf(run);
  const epochs = run.steps.column('epoch');
  const parts: string[] = [];
  const trainings = trainingsOf(record);
  if (trainings && start && !hasEnded(record.state)) parts.push(trainingName(trainings, run.fold));
  if (record.total_steps > 0) parts.push(`Step ${count(step)} of ${count(record.total_steps)}`);
  if (epochs.length > 0) parts.push(`epoch ${short(epochs[epochs.length - 1]!)}`);
  if (run.done) parts.push(`took ${duration(run.done.wall_s)}`);
  else if (record.state === 'running' && start && run.steps.lastStep === start.total_steps)
    // What trains on all rows is the last of them.
    parts.push(afterLastStep(start.num_validation_rows, trainings !== null && run.fold !== undefined));
  else if (record.state === 'running' && run.eta_s !== null) parts.push(`${duration(run.eta_s)} left`);
  const executor = start?.executor ?? record.environment?.executor;
  const threads = start?.num_threads ?? record.environment?.num_threads;
  if (executor) parts.push(threads ? `${executor}, ${plural(threads, 'thread')}` : executor);
  return parts.join(' · ');
};

export const header = (run: RunView, page: Page): TemplateResult => {
  const { record } = run;
  const step = stepOf(run);
  // A cross-validation may end without a model.
  const hasModel = record.model !== null || (run.done !== null && run.done.model !== '');
  const buttons =
    run.readOnly || run.gone
      ? []
      : buttonsFor(record.state, hasModel, {
          isFold: record.folds !== undefined && run.fold !== undefined,
          hasCheckpoint: run.checkpoints.length > 0,
        });
  const underWay = run.pending && run.underWay;
  return html`
    <header class="run-header">
      <div class="title-row">
        <h1>${record.name}</h1>
        ${statePill(run)}
      </div>
      ${record.note ? html`<p class="note">${record.note}</p>` : nothing}
      ${
        record.total_steps > 0 && (!hasEnded(record.state) || record.state === 'interrupted')
          ? html`<progress class=${isWorking(record.state) ? 'busy' : ''} max=${record.total_steps} .value=${Math.min(step, record.total_steps)} aria-label="Training progress"></progress>`
          : nothing
      }
      <p class="progress-text">${progressText(run)}</p>
      <div class="actions" role="toolbar" aria-label="Run">
        ${buttons.map(
          ({ action, label, icon, primary, waiting, title }) => html`<vscode-button
            ?secondary=${!primary}
            icon=${underWay === action ? 'loading' : icon}
            ?icon-spin=${underWay === action && !still.matches}
            ?disabled=${run.pending !== null}
            title=${title}
            @click=${() => page.act(run, action)}
          >${underWay === action && waiting ? waiting : label}</vscode-button>`,
        )}
        <vscode-button secondary icon="git-compare" title="Compare with other runs (C)"
          @click=${() => page.post({ type: 'chooseRuns' })}>Compare…</vscode-button>
      </div>
    </header>`;
};

/** What is wrong, before everything else. */
export const banners = (run: RunView, page: Page): TemplateResult => {
  const { failure } = page.store;
  const { error } = run.record;
  const banner = (tone: 'error' | 'warning' | 'info', icon: string, text: unknown, tail: unknown = nothing) =>
    html`<div class="banner banner-${tone}" role=${tone === 'error' ? 'alert' : 'status'}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span><p>${text}</p>${tail}
    </div>`;
  return html`
    ${
      failure
        ? banner(
            'error',
            'error',
            inOneLine(failure.error),
            html`<button class="tool" title="Dismiss" aria-label="Dismiss" @click=${() => page.dismiss()}><span class="codicon codicon-close" aria-hidden="true"></span></button>`,
          )
        : nothing
    }
    ${run.gone ? banner('warning', 'warning', 'The folder of this run was deleted. What you see here is no longer on disk.') : nothing}
    ${run.readOnly ? banner('info', 'lock', run.readOnly) : nothing}
    ${
      error && run.record.state !== 'running'
        ? banner(
            'error',
            'error',
            html`<strong>${error.message}</strong>${error.hint ? html` ${error.hint}` : nothing}`,
            html`<vscode-button secondary @click=${() => page.act(run, 'openLog')}>Show Log</vscode-button>`,
          )
        : run.record.state === 'interrupted'
          ? banner(
              'warning',
              'debug-disconnect',
              'The training process stopped unexpectedly. Resume picks up at the last checkpoint.',
            )
          : nothing
    }`;
};

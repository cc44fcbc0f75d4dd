import {
  type CheckpointEvent,
  type EvaluationReport,
  formatSignificant,
  type Recipe,
  type RunEvent,
  type RunState,
  type Sample,
} from '../../protocol/index.ts';
import type { LoopState } from './loop-state.ts';
import type { StepResult, Trainer } from './types.ts';

interface LoopEventsOptions {
  trainer: Trainer;
  recipe: Recipe;
  emit: (event: RunEvent) => void;
  /** Milliseconds. */
  now: () => number;
}

/** What the loop tells whoever follows a training. */
export class LoopEvents {
  readonly #options: LoopEventsOptions;
  #toldPhase: number | null = null;
  #toldSolved: Trainer['solved'];

  constructor(options: LoopEventsOptions) {
    this.#options = options;
  }

  /**
   * Each logging_steps, the mean loss since the last that was told.
   * @param eta_s seconds from here to the end, as far as is known
   */
  step(result: StepResult, stepMs: number, eta_s: number | null, state: LoopState): void {
    const { trainer, recipe, emit } = this.#options;
    const { unlogged } = state;
    // A mean of two losses would be none of either.
    const isLast = result.step === trainer.totalSteps || result.step === trainer.pretraining?.steps;
    const isCounted = result.skipped === undefined || Number.isFinite(result.loss);
    if (isCounted) {
      unlogged.steps++;
      unlogged.loss_sum += result.loss;
    }
    if (result.skipped) {
      this.#skipped(result.step, result.skipped);
      if (isLast) state.unlogged = { steps: 0, loss_sum: 0 };
      return;
    }
    // One that was to be logged may have been skipped.
    const isDue = result.step % recipe.logging_steps === 0 || unlogged.steps >= recipe.logging_steps;
    if (!isDue && !isLast) return;
    const loss = unlogged.steps === 1 ? result.loss : unlogged.loss_sum / unlogged.steps;
    state.unlogged = { steps: 0, loss_sum: 0 };
    emit({
      event: 'step',
      time: this.#time(),
      step: result.step,
      epoch: result.epoch,
      loss,
      learning_rate: result.learning_rate,
      grad_norm: result.grad_norm,
      tokens_per_second: (result.tokens / stepMs) * 1000,
      step_ms: stepMs,
      rss_bytes: process.memoryUsage.rss(),
      eta_s,
    });
  }

  #skipped(step: number, { loss_scale }: NonNullable<StepResult['skipped']>): void {
    const message = `Step ${step} was skipped and changed no weights: its loss or gradients did not fit into float16. The loss scale is now ${formatSignificant(loss_scale, 3)}, half of what it was.`;
    this.#options.emit({ event: 'note', time: this.#time(), level: 'info', step, message });
  }

  /** Once before the first step of a phase, told as that step's; a run that goes on from there tells it again. */
  phase(): void {
    const { trainer, emit } = this.#options;
    const begins = trainer.phaseStarts?.find(({ step }) => step === trainer.step);
    if (begins === undefined || this.#toldPhase === begins.step) return;
    this.#toldPhase = begins.step;
    const step = begins.step + 1;
    const message = `From step ${step} on, ${begins.message}`;
    emit({ event: 'note', time: this.#time(), level: 'info', step, message });
  }

  /** Once for each time that the classifier was solved. */
  solved(): void {
    const { trainer, emit } = this.#options;
    if (trainer.solved === undefined || trainer.solved === this.#toldSolved) return;
    this.#toldSolved = trainer.solved;
    emit({ event: 'solved', ...this.#place(), ...trainer.solved });
  }

  /** @param step whose weights were evaluated */
  evaluation({ split, metrics, n }: EvaluationReport, step: number, best: boolean): void {
    this.#options.emit({ event: 'eval', ...this.#place(), step, split, metrics, n, best });
  }

  samples(samples: Sample[]): void {
    this.#options.emit({ event: 'samples', ...this.#place(), samples });
  }

  checkpoint({ path, bytes }: { path: string; bytes: number }, reason: CheckpointEvent['reason']): void {
    const { emit, trainer } = this.#options;
    emit({ event: 'checkpoint', time: this.#time(), step: trainer.step, path, bytes, reason });
  }

  warn(message: string): void {
    this.#options.emit({ event: 'note', time: this.#time(), level: 'warning', message });
  }

  state(state: RunState): void {
    this.#options.emit({ event: 'state', time: this.#time(), state });
  }

  #place(): { time: number; step: number; epoch: number } {
    const { trainer } = this.#options;
    const done = Math.max(0, trainer.step - (trainer.pretraining?.steps ?? 0));
    return { time: this.#time(), step: trainer.step, epoch: done / trainer.stepsPerEpoch };
  }

  #time(): number {
    return this.#options.now() / 1000;
  }
}

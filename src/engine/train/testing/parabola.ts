// A training of one number, by which the loop's own tests see what the loop does.
import {
  type ClassificationMetric,
  type ClassificationReport,
  LuthierError,
  largest,
  type Recipe,
  type RunEvent,
} from '../../../protocol/index.ts';
import { parseRecipe } from '../../recipes/recipe.ts';
import { Control } from '../control.ts';
import { type LoopOptions, runTraining } from '../loop.ts';
import type { CheckpointStore, LoopState } from '../loop-state.ts';
import type { Trainer, TrainerState } from '../types.ts';

/**
 * Gradient descent with momentum on (w − 3)²: as little of a trainer as the contract allows, so that what is seen here
 * is the loop's doing. The real one drives the loop in test/faults.
 */
export class Parabola implements Trainer {
  readonly labels = ['a', 'b'];
  readonly numParameters = 1;
  readonly numTrainableParameters = 1;
  readonly numTrainRows = 40;
  readonly executor = 'none';
  readonly numThreads = 1;
  readonly w = new Float32Array(1);
  readonly v = new Float32Array(1);
  step = 0;
  saved: number | null = null;
  /** Loss of an evaluation after each step; by default the distance. */
  losses: Record<number, number> = {};
  nanAt = Number.POSITIVE_INFINITY;
  failSave = false;
  solved?: Trainer['solved'];

  constructor(
    readonly totalSteps: number,
    readonly stepsPerEpoch = 4,
    readonly numValidationRows = 10,
    readonly numTestRows = 0,
  ) {}

  stepsOn = () => this.totalSteps;

  /** Pieces of work before the first step, and what happens in each. */
  preparing = 0;
  samples?: Trainer['samples'];
  general?: Trainer['general'];
  onPreparing = () => {};

  async trainStep(between?: () => Promise<void>) {
    for (; this.preparing > 0; await between?.()) {
      this.preparing--;
      this.onPreparing();
    }
    if (this.step + 1 === this.nanAt) throw new LuthierError('loss-not-finite', `loss is NaN at step ${this.nanAt}.`);
    const gradient = 2 * (this.w[0]! - 3);
    this.v[0] = 0.5 * this.v[0]! + gradient;
    this.w[0] = this.w[0]! - 0.05 * this.v[0]!;
    this.step++;
    const loss = (this.w[0]! - 3) ** 2;
    return { step: this.step, epoch: this.step / 4, loss, learning_rate: 0.05, grad_norm: gradient, tokens: 100 };
  }

  async evaluate(split: 'validation' | 'test', between?: (done: number, total: number) => Promise<void>) {
    for (let i = 1; i <= 3; i++) await between?.(i, 3);
    const loss = this.losses[this.step] ?? Math.abs(this.w[0]! - 3);
    const metrics: Record<ClassificationMetric, number> = {
      loss,
      accuracy: 0,
      f1_macro: 0,
      f1_weighted: 0,
      mcc: 0,
      ece: 0,
    };
    return { split, n: 10, labels: this.labels, metrics } as unknown as ClassificationReport;
  }

  async collect(): Promise<void> {}
  state(): TrainerState {
    return {
      step: this.step,
      parameters: new Map([['w', { shape: [1], data: this.w }]]),
      moments: new Map([['w.exp_avg', { shape: [1], data: this.v }]]),
      phase: 0,
      fingerprint: { executor: 'none', num_threads: 1, cpu: 'x', library: 'x' },
    };
  }
  restore(state: Parameters<Trainer['restore']>[0]): void {
    this.loadParameters(state.parameters);
    this.v.set(state.moments.get('w.exp_avg')!);
    this.step = state.step;
  }
  loadParameters(parameters: Map<string, Float32Array>): void {
    this.w.set(parameters.get('w')!);
  }
  async saveModel() {
    if (this.failSave) throw new LuthierError('disk-full', 'no room');
    this.saved = this.w[0]!;
  }
  dispose(): void {}
}

/** Copies, as the disk would. */
export class Memory implements CheckpointStore {
  readonly kept = new Map<number, { loop: LoopState; w: Float32Array; v: Float32Array | null }>();
  readonly log: string[] = [];

  async save(loop: LoopState, { step, parameters, moments }: TrainerState) {
    this.log.push(`save ${step}`);
    const w = parameters.get('w')!.data.slice();
    this.kept.set(step, { loop: structuredClone(loop), w, v: moments.get('w.exp_avg')!.data.slice() });
    return { path: `checkpoint-${step}`, bytes: 1 };
  }
  async saveWeights(loop: LoopState, { step, parameters }: TrainerState) {
    this.log.push(`weights ${step}`);
    this.kept.set(step, { loop: structuredClone(loop), w: parameters.get('w')!.data.slice(), v: null });
    return { path: `checkpoint-${step}`, bytes: 1 };
  }
  async readWeights(step: number) {
    return new Map([['w', this.kept.get(step)!.w]]);
  }
  async latest() {
    const whole = [...this.kept].filter(([, c]) => c.v !== null).map(([s]) => s);
    if (whole.length === 0) return null;
    const step = largest(whole);
    return { step, path: `checkpoint-${step}` };
  }
  restore(trainer: Parabola, step: number): LoopState {
    const { loop, w, v } = this.kept.get(step)!;
    trainer.restore({ step, parameters: new Map([['w', w]]), moments: new Map([['w.exp_avg', v!]]) });
    return loop;
  }
}

export interface Scene {
  trainer: Parabola;
  store: Memory;
  control: Control;
  events: RunEvent[];
  run: (more?: Partial<LoopOptions>) => ReturnType<typeof runTraining>;
}

export function scene(trainer: Parabola, recipe: Partial<Recipe> = {}): Scene {
  const store = new Memory();
  const control = new Control();
  const events: RunEvent[] = [];
  const run = (more: Partial<LoopOptions> = {}) =>
    runTraining({
      trainer,
      recipe: parseRecipe({ model: 'm', dataset: 'd', metric_for_best_model: 'loss', ...recipe }),
      control,
      checkpoints: store,
      emit: (event) => void events.push(event),
      record: async () => undefined,
      report: async () => undefined,
      modelFolder: 'model',
      ...more,
    });
  return { trainer, store, control, events, run };
}

export const losses = (events: RunEvent[]) => events.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss]] : []));
export const steps = (events: RunEvent[], kind: 'eval' | 'checkpoint') =>
  events.flatMap((e) => (e.event === kind ? [e.step] : []));

/** Asks for something as soon as a step is done. */
export function stopAt({ trainer, control }: Scene, step: number, wish: Parameters<Control['ask']>[0]) {
  let answered: (step: number) => void = () => undefined;
  const answer = new Promise<number>((resolve) => {
    answered = resolve;
  });
  const trainStep = trainer.trainStep.bind(trainer);
  trainer.trainStep = async () => {
    const result = await trainStep();
    if (result.step === step) void control.ask(wish).then(answered);
    return result;
  };
  return { answer };
}

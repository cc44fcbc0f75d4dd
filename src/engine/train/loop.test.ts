import { describe, expect, it } from 'vitest';
import {
  type ClassificationMetric,
  type ClassificationReport,
  LuthierError,
  type Recipe,
  type RunEvent,
} from '../../protocol/index.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { Control } from './control.ts';
import { type CheckpointStore, isBetter, type LoopOptions, type LoopState, runTraining } from './loop.ts';
import type { Trainer, TrainerState } from './types.ts';

/**
 * Gradient descent with momentum on (w − 3)²: as little of a trainer as the contract allows, so that what is seen here
 * is the loop's doing. The real one drives the loop in test/faults.
 */
class Parabola implements Trainer {
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
class Memory implements CheckpointStore {
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
    const step = [...this.kept].filter(([, c]) => c.v !== null).map(([s]) => s);
    return step.length === 0 ? null : { step: Math.max(...step), path: `checkpoint-${Math.max(...step)}` };
  }
  restore(trainer: Parabola, step: number): LoopState {
    const { loop, w, v } = this.kept.get(step)!;
    trainer.restore({ step, parameters: new Map([['w', w]]), moments: new Map([['w.exp_avg', v!]]) });
    return loop;
  }
}

interface Scene {
  trainer: Parabola;
  store: Memory;
  control: Control;
  events: RunEvent[];
  run: (more?: Partial<LoopOptions>) => ReturnType<typeof runTraining>;
}

function scene(trainer: Parabola, recipe: Partial<Recipe> = {}): Scene {
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

const losses = (events: RunEvent[]) => events.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss]] : []));
const steps = (events: RunEvent[], kind: 'eval' | 'checkpoint') =>
  events.flatMap((e) => (e.event === kind ? [e.step] : []));

describe('runTraining', () => {
  it('evaluates and checkpoints each epoch, and at the end writes the model alone', async () => {
    const { run, events, store, trainer } = scene(new Parabola(10));
    const outcome = await run();
    expect(outcome).toMatchObject({
      end: 'done',
      saved: true,
      stoppedEarly: false,
      loop: { step: 10, best: { step: 10 } },
    });
    expect(losses(events)).toHaveLength(10);
    expect(steps(events, 'eval')).toEqual([4, 8, 10]);
    expect(store.log).toEqual(['save 4', 'save 8']);
    expect(trainer.saved).toBe(trainer.w[0]);
  });

  it('takes eval_steps and save_steps instead; the best weights between are saved alone', async () => {
    const { run, events, store } = scene(new Parabola(10), { eval_steps: 3, save_steps: 5 });
    await run();
    expect(steps(events, 'eval')).toEqual([3, 6, 9, 10]);
    expect(store.log).toEqual(['weights 3', 'save 5', 'weights 6', 'weights 9']);
  });

  it('writes the best weights, not the last', async () => {
    const trainer = new Parabola(12);
    trainer.losses = { 4: 0.5, 8: 0.9, 12: 0.7 };
    const { run, store, events } = scene(trainer);
    const outcome = await run();
    expect(outcome.loop.best).toMatchObject({ step: 4, metrics: { loss: 0.5 } });
    expect(trainer.saved).toBe(store.kept.get(4)!.w[0]);
    expect(events.filter((e) => e.event === 'eval').map((e) => e.best)).toEqual([true, false, false]);
  });

  it('hears what it is asked while a first step still prepares, and does no step then', async () => {
    const trainer = new Parabola(10);
    trainer.preparing = 3;
    const { run, control, events } = scene(trainer);
    trainer.onPreparing = () => void control.ask('interrupt');
    expect(await run()).toMatchObject({ end: 'interrupted', loop: { step: 0 } });
    expect(losses(events)).toEqual([]);
    expect(trainer.preparing).toBe(2);
  });

  it('answers rows before the first step and at each evaluation, and does not when the run is to end', async () => {
    const trainer = new Parabola(8);
    const { run, control, events } = scene(trainer);
    const sample = { file: 'a.jsonl', line: 1, prompt: 'Hi', reference: 'Yes', answer: 'No' };
    let tokens = 0;
    trainer.samples = async (between) => {
      for (let i = 0; i < 5; i++) {
        tokens++;
        if (trainer.step === 8 && i === 2) void control.ask('cancel');
        await between();
      }
      return trainer.step === 4 ? [] : [sample];
    };
    expect(await run()).toMatchObject({ end: 'cancelled' });
    // None are no event.
    expect(events.flatMap((event) => (event.event === 'samples' ? [event.step] : []))).toEqual([0]);
    expect(tokens).toBe(5 + 5 + 3);
  });

  describe('measures what is forgotten', () => {
    /** Two batches of a text that is foretold the better the nearer the weight is to 0; notes the steps. */
    const forgetful = (trainer: Parabola, onBatch = (_batch: number) => {}) => {
      const measured: number[] = [];
      trainer.general = async (between) => {
        for (let batch = 0; batch < 2; batch++) {
          onBatch(batch);
          await between();
        }
        measured.push(trainer.step);
        return { tokens: 7, perplexity: 10 + trainer.w[0]! };
      };
      return measured;
    };

    it('with the base and the weights that are written', async () => {
      const trainer = new Parabola(12);
      trainer.losses = { 4: 0.1, 8: 0.2, 12: 0.3 };
      const measured = forgetful(trainer);
      const { run, events } = scene(trainer);
      const outcome = await run();
      expect(outcome).toMatchObject({ end: 'done', forgetting: { tokens: 7, before: 10, after: 10 + trainer.saved! } });
      expect(measured).toEqual([0, 12]);
      // The steps are those of a run that measures nothing.
      const plain = scene(new Parabola(12));
      await plain.run();
      expect(losses(events)).toEqual(losses(plain.events));
    });

    it('once before the first step, though the run is interrupted and resumed', async () => {
      const trainer = new Parabola(12);
      const measured = forgetful(trainer);
      const { run, control, store } = scene(trainer);
      const step = trainer.trainStep.bind(trainer);
      trainer.trainStep = async () => {
        const result = await step();
        if (result.step === 6) void control.ask('interrupt');
        return result;
      };
      expect(await run()).toMatchObject({ end: 'interrupted', loop: { general: { tokens: 7, perplexity: 10 } } });
      const resumed = new Parabola(12);
      const again = forgetful(resumed);
      const state = store.restore(resumed, 6);
      const outcome = await scene(resumed).run({ checkpoints: store, state });
      expect(outcome).toMatchObject({ forgetting: { before: 10, after: 10 + resumed.saved! } });
      expect([measured, again]).toEqual([[0], [12]]);
    });

    it('not in a fold, nor at the end where the base was not measured', async () => {
      const fold = new Parabola(4);
      const measured = forgetful(fold);
      expect(await scene(fold).run({ measureOnly: true })).not.toHaveProperty('forgetting');
      expect(measured).toEqual([]);
      // A checkpoint of an earlier version does not know the base's.
      const late = new Parabola(4);
      const { run, store, control } = scene(late);
      const step = late.trainStep.bind(late);
      late.trainStep = async () => {
        const result = await step();
        if (result.step === 2) void control.ask('interrupt');
        return result;
      };
      await run();
      const resumed = new Parabola(4);
      const again = forgetful(resumed);
      const state = store.restore(resumed, 2);
      expect(await scene(resumed).run({ checkpoints: store, state })).not.toHaveProperty('forgetting');
      expect(again).toEqual([]);
    });

    it('and ends with the run that it belongs to', async () => {
      const early = new Parabola(4);
      const first = scene(early);
      const measured = forgetful(early, (batch) => {
        if (batch === 0) void first.control.ask('stop');
      });
      expect(await first.run()).toMatchObject({ end: 'stopped', saved: false });
      expect(measured).toEqual([]);
      for (const [wish, end] of [
        ['cancel', 'cancelled'],
        ['interrupt', 'done'],
        ['stop', 'done'],
      ] as const) {
        const trainer = new Parabola(4);
        const { run, control, events } = scene(trainer);
        forgetful(trainer, (batch) => {
          if (trainer.step === 4 && batch === 0) void control.ask(wish);
        });
        const outcome = await run();
        expect(outcome.end).toBe(end);
        const isSaid = events.some(
          (event) => event.event === 'note' && /forgotten was not measured because the run was/.test(event.message),
        );
        expect(isSaid).toBe(wish === 'interrupt');
        expect('forgetting' in outcome).toBe(wish === 'stop');
      }
    });

    it('and says where a loss of the text is not finite', async () => {
      const trainer = new Parabola(4);
      trainer.general = async () => ({ tokens: 7, perplexity: Number.POSITIVE_INFINITY });
      const { run, events } = scene(trainer);
      expect(await run()).not.toHaveProperty('forgetting');
      const notes = events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
      expect(notes).toEqual([
        'How much of the base model is forgotten was not measured: a loss on the general text is not finite.',
      ]);
    });
  });

  it('stops early', async () => {
    const trainer = new Parabola(40);
    trainer.losses = { 4: 0.5, 8: 0.9, 12: 0.7, 16: 0.1 };
    const { run } = scene(trainer, { early_stopping_patience: 2 });
    expect(await run()).toMatchObject({ end: 'done', stoppedEarly: true, loop: { step: 12, best: { step: 4 } } });
  });

  it('without a validation part keeps the last weights', async () => {
    const { run, events, trainer } = scene(new Parabola(6, 4, 0));
    expect(await run()).toMatchObject({ end: 'done', metrics: {}, loop: { best: null } });
    expect(steps(events, 'eval')).toEqual([]);
    expect(trainer.saved).toBe(trainer.w[0]);
  });

  it('looks at the test part once, after choosing', async () => {
    const { run, events } = scene(new Parabola(8, 4, 10, 10));
    await run();
    const seen = events.flatMap((e) => (e.event === 'eval' ? [e.split] : []));
    expect(seen).toEqual(['validation', 'validation', 'test']);
  });

  it('logs means over logging_steps', async () => {
    const every = scene(new Parabola(7));
    await every.run();
    const third = scene(new Parabola(7), { logging_steps: 3 });
    await third.run();
    const one = losses(every.events).map(([, loss]) => loss!);
    const mean = (a: number, b: number) => one.slice(a, b).reduce((x, y) => x + y, 0) / (b - a);
    expect(losses(third.events)).toEqual([
      [3, mean(0, 3)],
      [6, mean(3, 6)],
      [7, mean(6, 7)],
    ]);
  });

  it('checkpoints at least every five minutes', async () => {
    const trainer = new Parabola(8, 100, 0);
    const { run, store } = scene(trainer);
    await run({ now: () => trainer.step * 110_000 });
    expect(store.log).toEqual(['save 3', 'save 6']);
  });

  it('goes on after an interruption with the losses that it would have had', async () => {
    const whole = scene(new Parabola(20), { logging_steps: 3, eval_steps: 7 });
    await whole.run();
    for (const at of [1, 5, 7, 13, 19]) {
      const first = scene(new Parabola(20), { logging_steps: 3, eval_steps: 7 });
      const asked = stopAt(first, at, 'interrupt');
      expect(await first.run()).toMatchObject({ end: 'interrupted', loop: { step: at } });
      first.control.finish(at);
      expect(await asked.answer).toBe(at);
      const second = scene(new Parabola(20), { logging_steps: 3, eval_steps: 7 });
      const state = first.store.restore(second.trainer, at);
      // What is on disk is there for both.
      for (const [step, kept] of first.store.kept) second.store.kept.set(step, kept);
      await second.run({ state });
      const joined = new Map([...losses(first.events), ...losses(second.events)] as [number, number][]);
      expect([...joined]).toEqual(losses(whole.events));
      expect(second.trainer.saved).toBe(whole.trainer.saved);
    }
  });

  it('stops at a wish, evaluates what is not yet evaluated and keeps the best', async () => {
    const one = scene(new Parabola(40));
    const asked = stopAt(one, 6, 'stop');
    expect(await one.run()).toMatchObject({ end: 'stopped', saved: true, loop: { step: 6, best: { step: 6 } } });
    expect(await asked.answer).toBe(6);
    expect(steps(one.events, 'eval')).toEqual([4, 6]);
  });

  it('cancels at a wish and writes nothing', async () => {
    const one = scene(new Parabola(40));
    stopAt(one, 2, 'cancel');
    expect(await one.run()).toMatchObject({ end: 'cancelled' });
    expect(one.trainer.saved).toBeNull();
    expect(one.store.log).toEqual([]);
  });

  it('pauses with a checkpoint, answers, and goes on', async () => {
    const one = scene(new Parabola(10));
    const asked = stopAt(one, 3, 'pause');
    const running = one.run();
    expect(await asked.answer).toBe(3);
    expect(one.store.log).toEqual(['save 3']);
    expect(one.trainer.step).toBe(3);
    expect(await one.control.ask('run')).toBe(3);
    expect(await running).toMatchObject({ end: 'done' });
    expect(one.events.flatMap((e) => (e.event === 'state' ? [e.state] : []))).toEqual(['paused', 'running']);
  });

  it('answers who asks a working run to go on, and who takes a pause back', async () => {
    const one = scene(new Parabola(10));
    const trainStep = one.trainer.trainStep.bind(one.trainer);
    const answers: Promise<number>[] = [];
    one.trainer.trainStep = async () => {
      const result = await trainStep();
      if (result.step === 2) answers.push(one.control.ask('run'));
      if (result.step === 5) answers.push(one.control.ask('pause'), one.control.ask('run'));
      return result;
    };
    await one.run();
    expect(await Promise.all(answers)).toEqual([2, 5, 5]);
    expect(one.events.some((e) => e.event === 'state')).toBe(false);
  });

  it('can be cancelled while it is paused, and answers everyone', async () => {
    const one = scene(new Parabola(10));
    const asked = stopAt(one, 3, 'pause');
    const running = one.run();
    await asked.answer;
    const answers = [one.control.ask('cancel'), one.control.ask('cancel')];
    expect(await running).toMatchObject({ end: 'cancelled' });
    one.control.finish(3);
    expect(await Promise.all(answers)).toEqual([3, 3]);
    expect(await one.control.ask('pause')).toBe(3);
  });

  it('gives an evaluation up for a pause, and does it again', async () => {
    const trainer = new Parabola(8);
    const one = scene(trainer);
    const evaluate = trainer.evaluate.bind(trainer);
    let tries = 0;
    let asked: Promise<number> | null = null;
    trainer.evaluate = async (split, between) => {
      if (++tries === 1) asked = one.control.ask('pause');
      return evaluate(split, between);
    };
    const running = one.run();
    await expect.poll(() => asked).not.toBeNull();
    expect(await asked).toBe(4);
    await one.control.ask('run');
    await running;
    expect(tries).toBe(3);
    expect(steps(one.events, 'eval')).toEqual([4, 8]);
  });

  it('ends on a loss that is no number, naming the last good checkpoint', async () => {
    const trainer = new Parabola(20);
    trainer.nanAt = 7;
    const error = await scene(trainer)
      .run()
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'loss-not-finite', message: 'loss is NaN at step 7.' });
    expect((error as LuthierError).hint).toMatch(/checkpoint of step 4 is kept in checkpoint-4.*lower learning_rate/);
  });

  it('keeps the last weights when the model cannot be written', async () => {
    const trainer = new Parabola(6);
    trainer.failSave = true;
    const one = scene(trainer);
    await expect(one.run()).rejects.toThrow('no room');
    expect(one.store.log).toEqual(['save 4', 'save 6']);
  });
});

/** Asks for something as soon as a step is done. */
function stopAt({ trainer, control }: Scene, step: number, wish: Parameters<Control['ask']>[0]) {
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

describe('isBetter', () => {
  it('knows which way each metric goes, and NaN is never better', () => {
    expect(isBetter('loss', { loss: 1 }, { loss: 2 })).toBe(true);
    expect(isBetter('ece', { ece: 2 }, { ece: 1 })).toBe(false);
    expect(isBetter('f1_macro', { f1_macro: 0.5 }, { f1_macro: 0.5 })).toBe(false);
    expect(isBetter('accuracy', { accuracy: 0.6 }, { accuracy: 0.5 })).toBe(true);
    expect(isBetter('mcc', { mcc: Number.NaN }, undefined)).toBe(false);
    expect(isBetter('mcc', { mcc: -1 }, undefined)).toBe(true);
  });

  it('takes the lower loss of two that are equal', () => {
    expect(isBetter('f1_macro', { f1_macro: 1, loss: 0.4 }, { f1_macro: 1, loss: 0.9 })).toBe(true);
    expect(isBetter('f1_macro', { f1_macro: 1, loss: 0.9 }, { f1_macro: 1, loss: 0.4 })).toBe(false);
    expect(isBetter('loss', { loss: 0.5 }, { loss: 0.5 })).toBe(false);
  });
});

it('tells how the classifier was solved, once for each time, behind the step or before the evaluation that it is of', async () => {
  const solved = {
    C: 1,
    choices: [],
    folds: 0,
    validated_rows: 0,
    rows: 40,
    features: 1,
    iterations: 3,
    converged: true,
    loss: 1,
    seconds: 0,
  };
  const trainer = new Parabola(4, 2);
  trainer.solved = solved;
  const { run, events } = scene(trainer);
  await run();
  expect(events.filter(({ event }) => event === 'solved')).toMatchObject([{ ...solved, step: 1 }]);
});

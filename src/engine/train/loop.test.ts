import { describe, expect, it } from 'vitest';
import type { LuthierError } from '../../protocol/index.ts';
import { losses, Parabola, scene, steps, stopAt } from './testing/parabola.ts';

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
});

it('says of a skipped step which one it was, logs another in its place, and leaves out a loss that is no number', async () => {
  const trainer = new Parabola(12, 12, 0);
  const trainStep = trainer.trainStep.bind(trainer);
  trainer.trainStep = async () => {
    const result = await trainStep();
    if (result.step !== 3 && result.step !== 4) return result;
    return { ...result, loss: Number.NaN, grad_norm: Number.NaN, skipped: { loss_scale: 2 ** (18 - result.step) } };
  };
  const { run, events } = scene(trainer, { logging_steps: 4 });
  const all: number[] = [];
  const plain = scene(new Parabola(12, 12, 0), { logging_steps: 1 });
  await plain.run();
  for (const [, loss] of losses(plain.events)) all.push(loss!);
  await run();
  const mean = (...of: number[]) => of.reduce((sum, step) => sum + all[step - 1]!, 0) / of.length;
  // Step 4 would be due. Four have a loss by step 6.
  expect(losses(events).map(([step]) => step)).toEqual([6, 8, 12]);
  for (const [i, of] of [
    [1, 2, 5, 6],
    [7, 8],
    [9, 10, 11, 12],
  ].entries())
    expect(losses(events)[i]![1]).toBeCloseTo(mean(...of), 10);
  expect(events.filter(({ event }) => event === 'note')).toMatchObject([
    { level: 'info', step: 3, message: expect.stringContaining('Step 3 was skipped') },
    { level: 'info', step: 4, message: expect.stringContaining('loss scale is now 16,384') },
  ]);
});

import { describe, expect, it } from 'vitest';
import { losses, Parabola, scene } from './testing/parabola.ts';

describe('a training measures what is forgotten', () => {
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

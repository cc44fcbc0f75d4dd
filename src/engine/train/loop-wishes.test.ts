import { describe, expect, it } from 'vitest';
import { losses, Parabola, scene, steps, stopAt } from './testing/parabola.ts';

describe('wishes of a training', () => {
  it('hears what it is asked while a first step still prepares, and does no step then', async () => {
    const trainer = new Parabola(10);
    trainer.preparing = 3;
    const { run, control, events } = scene(trainer);
    trainer.onPreparing = () => void control.ask('interrupt');
    expect(await run()).toMatchObject({ end: 'interrupted', loop: { step: 0 } });
    expect(losses(events)).toEqual([]);
    expect(trainer.preparing).toBe(2);
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
});

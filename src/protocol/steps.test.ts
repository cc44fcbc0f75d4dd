import { describe, expect, test } from 'vitest';
import { StepBuffer } from './steps.ts';

describe('StepBuffer', () => {
  const row = (step: number, loss = step) => ({
    step,
    time: 0,
    epoch: 0,
    loss,
    learning_rate: 0,
    grad_norm: 0,
    tokens_per_second: 0,
    step_ms: 0,
    rss_bytes: 0,
  });

  test('grows, and copies what it hands out', () => {
    const buffer = new StepBuffer(2);
    for (let n = 1; n <= 5; n++) buffer.append(row(n));
    const columns = buffer.toColumns(3);
    buffer.append(row(3, 33));
    expect([...columns.step]).toEqual([4, 5]);
    expect([...buffer.column('loss')]).toEqual([1, 2, 33]);
    expect(buffer.generation).toBe(1);
  });

  test('columns of unequal length lose the surplus, not their alignment', () => {
    const more = new StepBuffer();
    more.append(row(1));
    more.append(row(2));
    const buffer = new StepBuffer();
    buffer.appendColumns({ ...more.toColumns(), loss: Float64Array.of(7) });
    expect(buffer.length).toBe(1);
    expect(buffer.column('loss')[0]).toBe(7);
  });

  test('an overlapping block replaces from its first step on', () => {
    const buffer = new StepBuffer();
    for (let n = 1; n <= 5; n++) buffer.append(row(n));
    const again = new StepBuffer();
    again.append(row(4, 40));
    buffer.appendColumns(again.toColumns());
    expect([...buffer.column('loss')]).toEqual([1, 2, 3, 40]);
  });
});

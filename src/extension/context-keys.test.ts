import { expect, test } from 'vitest';
import type { RunRecord } from '../protocol/index.ts';
import { ContextKeys, runKeys } from './context-keys.ts';
import type { Run } from './runs/run.ts';
import { recordOf } from './testing/fake-run.ts';

const run = (change: Partial<Run>): Run => ({
  folder: '/r',
  home: '/h',
  record: recordOf({ id: 'r', state: change.state ?? 'done' }),
  state: 'done',
  readOnly: null,
  damaged: false,
  foreign: false,
  silent: false,
  progress: null,
  ...change,
});

test('says what runs there are to do something with', () => {
  expect(Object.values(runKeys([])).every((value) => value === false)).toBe(true);
  const done = run({ record: recordOf({ id: 'r', model: 'model' }) });
  expect(runKeys([done])).toEqual({
    'luthier.training': false,
    'luthier.queued': false,
    'luthier.hasRuns': true,
    'luthier.hasSeveralRuns': false,
    'luthier.hasModels': true,
    'luthier.hasWriters': false,
    'luthier.hasResumable': false,
    'luthier.hasFinished': true,
  });
  const writer = recordOf({ id: 'w', model: 'model', recipe: { task: 'text-generation' } as RunRecord['recipe'] });
  expect(runKeys([run({ record: writer })])).toMatchObject({ 'luthier.hasWriters': true });
  expect(runKeys([run({ state: 'interrupted' }), run({ state: 'queued' })])).toMatchObject({
    'luthier.hasSeveralRuns': true,
    'luthier.hasModels': false,
    'luthier.hasResumable': true,
    'luthier.queued': true,
  });
  expect(runKeys([run({ readOnly: 'newer' })])).toMatchObject({
    'luthier.hasRuns': true,
    'luthier.hasFinished': false,
  });
});

test('a key is set when it changes and not with each change of a run', () => {
  const told: [string, boolean][] = [];
  const keys = new ContextKeys((key, value) => void told.push([key, value]));
  for (let i = 0; i < 50; i++) keys.set({ 'luthier.training': true });
  keys.set({ 'luthier.training': false });
  expect(told).toEqual([
    ['luthier.training', true],
    ['luthier.training', false],
  ]);
});

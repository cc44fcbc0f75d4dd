import { expect, test, vi } from 'vitest';
import * as vscode from 'vscode';
import type { Change } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import type { Run } from '../runs/run.ts';
import { tryChange } from './try-change.ts';

test.each<[Change['kind'] & ('folds' | 'evaluate'), string]>([
  ['folds', 'luthier.crossValidate'],
  ['evaluate', 'luthier.evaluateOnFile'],
])('what a finding suggests opens its command for that run: %s', async (kind, command) => {
  const execute = vi.spyOn(vscode.commands, 'executeCommand').mockResolvedValue(undefined);
  const run = { folder: '/w/.luthier/runs/a-1' } as Run;
  await tryChange({} as Luthier, run, { kind, title: 'x' });
  expect(execute.mock.calls).toEqual([[command, run]]);
  execute.mockRestore();
});

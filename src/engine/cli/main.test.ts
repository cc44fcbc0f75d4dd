import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from './main.ts';
import { duration, metricLine, table } from './output.ts';

/** Names of all commands that do something. */
function leaves(command: Command, path: string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(' ')];
  return command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));
}

describe('the commands', () => {
  const program = buildProgram(() => async () => undefined);

  it('are each described, take --json, and stand in docs/cli.md', async () => {
    const doc = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const names = leaves(program);
    expect(names).toContain('runs resume');
    for (const name of names) expect(doc).toContain(`\`luthier ${name}`);
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
    for (const command of all(program)) {
      expect(command.description()).not.toBe('');
      if (command.commands.length > 0) continue;
      expect([command.name(), command.options.some((option) => option.long === '--json')]).toEqual([
        command.name(),
        true,
      ]);
    }
  });
});

describe('output', () => {
  it('aligns columns', () => {
    expect(
      table(
        ['run', 'step'],
        [
          ['a', '5'],
          ['longer', '10'],
        ],
        [1],
      ),
    ).toBe('run     step\na          5\nlonger    10');
  });

  it('writes durations and metrics', () => {
    expect([0, 7, 65, 3849].map(duration)).toEqual(['0:00', '0:07', '1:05', '1:04:09']);
    expect(metricLine({ loss: 0.31149, accuracy: 0.912, f1_macro: 0.8994 })).toBe(
      'accuracy 0.912, macro F1 0.899, loss 0.311',
    );
    expect(metricLine({})).toBe('');
  });
});

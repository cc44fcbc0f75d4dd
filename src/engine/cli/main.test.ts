import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TERMINAL_COMMANDS } from '../../protocol/index.ts';
import { main } from './main.ts';
import { asTyped, duration, metricLine, table } from './output.ts';
import { buildProgram } from './program.ts';

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

/** What a command line that is refused says. */
async function refused(...args: string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    expect(await main(args)).toBe(2);
    return text;
  } finally {
    write.mockRestore();
  }
}

describe('a command line that is wrong', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([
    [['trian'], '(Did you mean train?)\n(luthier --help lists the commands)'],
    [['runs', 'shwo'], '(Did you mean show?)\n(luthier runs --help lists the commands)'],
    [['predict', 'm', '--txt', 'a'], '(Did you mean --text?)\n(luthier predict --help explains it)'],
    [['train', '--backend', 'wegbpu'], '(Did you mean webgpu?)'],
    [['train', '--backend', 'TensorFlow'], '(Did you mean tensorflow?)'],
    [['data', 'inspect', 'a.csv', '--task', 'token_classification'], '(Did you mean token-classification?)'],
    [['export', 'r', '--format', 'onxx'], '(Did you mean onnx?)'],
    [['evaluate', 'm', '--data', 'a.csv', '--split', 'tset'], '(Did you mean test?)'],
    [['complete', 'm', '--extent', 'lines'], '(Did you mean line?)'],
  ])('is refused with what may be meant: %j', async (args, guess) => {
    expect(await refused(...args)).toContain(guess);
  });

  it('says nothing of what no value is like', async () => {
    const said = await refused('train', '--backend', 'pytorch');
    expect(said).toContain('Allowed choices are auto, onnxruntime, webgpu, tensorflow, wasm.\n');
    expect(said).not.toContain('Did you mean');
  });
});

describe('commands that read rows', () => {
  const named = (path: string): string[] => {
    const program = buildProgram(() => async () => undefined);
    const command = path
      .split(' ')
      .reduce<Command>((at, name) => at.commands.find((one) => one.name() === name)!, program);
    return command.options.map(({ long }) => long!).filter((long) => /column|label-sep|encoding/.test(long));
  };

  it('take the same options for where and how these are written', () => {
    const all = named('data inspect');
    expect(all).toEqual([
      ...['--text-column', '--text-pair-column', '--label-column', '--group-column', '--tokens-column'],
      ...['--tags-column', '--prompt-column', '--completion-column', '--messages-column', '--input-column'],
      ...['--system-column', '--tools-column', '--label-separator', '--label-columns', '--encoding'],
    ]);
    expect(named('compare-ways')).toEqual(all);
    expect(named('compare-models')).toEqual(all);
    expect(named('evaluate')).toEqual(all.filter((name) => name !== '--group-column'));
    expect(named('predict')).toEqual(['--text-column', '--text-pair-column', '--tokens-column', '--encoding']);
  });
});

it('the commands are those by which a hint for the terminal is known', () => {
  const names = buildProgram(() => async () => undefined).commands.map((command) => command.name());
  expect([...TERMINAL_COMMANDS].sort()).toEqual(names.sort());
});

it('our commands are shown as they have to be typed where npm has started this one', () => {
  vi.stubEnv('npm_execpath', '/npm');
  try {
    for (const command of buildProgram(() => async () => undefined).commands) {
      const said = asTyped(`To go on: luthier ${command.name()} x`);
      expect(said).toBe(`To go on: npx luthier ${command.name()} x`);
    }
  } finally {
    vi.unstubAllEnvs();
  }
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
      'accuracy 91.2 %, macro F1 89.9 %, loss 0.311',
    );
    expect(metricLine({})).toBe('');
  });
});

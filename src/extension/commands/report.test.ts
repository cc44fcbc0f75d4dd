import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { reportText, withoutData } from './report.ts';

test('a log keeps what happened and loses what was in the data', () => {
  const log = [
    `2026-11-24 10:00:00.000 [error] ${homedir()}/secret clients/letters.csv, line 3: the label “Dr Miller” is unknown`,
    '2026-11-24 10:00:01.000 [info] Node 20.20.2 runs the engine: /opt/node/bin/node (first on PATH)',
    '[warning] "My text, as it is": cut at 128 tokens',
    '[info] engine: C:\\Users\\Ann\\data\\rows.csv read',
    '[error] HF_TOKEN hf_abcDEF123 was refused by https://hub.example.org/api/x?y=z',
    '[info] Run 2026-a: done',
  ].join('\n');
  const shown = withoutData(log, ['/home/ada/project']);
  for (const secret of [
    'letters',
    'Miller',
    'My text',
    'Ann',
    'rows.csv',
    'hf_abc',
    'example.org',
    '/opt',
    'secret',
    homedir(),
  ]) {
    expect(shown).not.toContain(secret);
  }
  for (const kept of [
    'line 3',
    'is unknown',
    'Node 20.20.2 runs the engine',
    'first on PATH',
    'cut at 128 tokens',
    'done',
  ]) {
    expect(shown).toContain(kept);
  }
});

test('a report names versions, machine, settings and runs, and no path that was set', () => {
  const text = reportText({
    luthier: '0.2.0',
    vscode: 'Code 1.105.0',
    backends: 'onnxruntime usable, webgpu not usable',
    settings: [
      ['luthier.backend', 'wasm'],
      ['luthier.node.path', '/home/ann/node'],
      ['luthier.modelFolders', ['/home/ann/models']],
      ['luthier.runs.diskWarning', 5],
    ],
    runs: ['done', 'done', 'failed'],
    log: 'one\n```\ntwo',
  });
  for (const line of [
    '- Luthier: 0.2.0',
    '- Backends: onnxruntime usable, webgpu not usable',
    '- Settings: luthier.backend: wasm; luthier.node.path: set; luthier.modelFolders: set; luthier.runs.diskWarning: 5',
    '- Runs: 2 done, 1 failed',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('ann');
  expect(text.match(/```/g)).toHaveLength(2);
  expect(text).toMatch(/- Processor: .+, \d+ threads/);
});

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { createWebGpuExecutor } from '../src/engine/tensor/executors/webgpu.ts';
import { LuthierError } from '../src/protocol/index.ts';
import { countsOf } from './card-counts.ts';
import { CASES, type StepCase } from './cases.ts';
import { median, Stepper } from './process.ts';
import type { Contender, Measured, StepSpec } from './spec.ts';
import { wordsOf } from './sst2.ts';
import { Steppers, stepCommands } from './steppers.ts';

/** Cases by their names in `CASES`, and our time over PyTorch's that each is to reach on a card. */
const TARGETS: Readonly<Record<string, number>> = {
  'bert-base': 3.7,
  'bert-base-dropout': 4.2,
  'bert-base-lora': 2.1,
  'minilm-step': 2,
};
/** The optimiser's time over what its bytes take at the card's rate of copying. */
const UPDATE_TARGET = 1.5;
const COPIED = 128 * 2 ** 20;
const TINY = { layers: 2, hidden: 64, heads: 2, vocab: 500, batch: 2, length: 16 };
const [ROUNDS, STEPS] = [3, 5];
/** Of real lengths. */
const BATCHES = 8;

export interface CardOptions {
  root: string;
  /** Another checkout, built, that takes turns with this one. */
  against: string | null;
  /** With torch, transformers and peft; null where PyTorch is to be left out. */
  python: string | null;
  /** No case begins later. */
  seconds: number;
  /** Folder with SST-2's stsa.binary.* files, for steps of real lengths; null where these are to be left out. */
  data: string | null;
  /** Small shapes: they show that all of this works, and nothing else. */
  tiny: boolean;
}

const casesOf = (tiny: boolean) =>
  Object.entries(TARGETS).map(([name, target]) => {
    const { what, model } = CASES[name] as StepCase;
    return { target, what: tiny ? `tiny: ${what}` : what, model: tiny ? { ...model, ...TINY } : model };
  });

/** Prints how many nodes a step of each case is on a card, and how many bytes it moves; it needs none. */
export function printCounts(tiny: boolean): void {
  for (const { what, model } of casesOf(tiny)) console.log([what, ...countLines(model)].join('\n'));
}

/**
 * `luthier bench --backend webgpu`: what a graphics card makes of training, in one run of a few minutes. This checkout, another
 * one and PyTorch on the same card take turns, and their ratios are what counts: times are a card's own. Where there is no
 * card, it says so.
 */
export async function measureCard({ root, against, python, seconds, data, tiny }: CardOptions): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  try {
    (await createWebGpuExecutor()).dispose();
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    console.log(`The cases for a graphics card are absent. ${error.message}`);
    return;
  }
  const device = python === null ? null : torchDevice(python);
  if (device === null) console.log('PyTorch is absent, so there are no ratios to it. Set LUTHIER_PEER_PYTHON.');
  else console.log(`PyTorch ${device.version} on ${device.name}`);
  if (device?.device === 'cpu') console.log('PyTorch sees no card: the ratios to it say nothing.');
  if (tiny) console.log('Tiny shapes: this shows that the cases run, and nothing else.');
  const contenders: Contender[] = [
    'luthier',
    ...(against === null ? [] : (['before'] as const)),
    ...(device === null ? [] : (['pytorch'] as const)),
  ];
  const setting = (model: StepCase['model']) => ({
    ...{ root, python: python ?? '', against: against === null ? null : resolve(against), tfjsNode: null },
    ...{ threads: availableParallelism(), backend: 'webgpu' as const },
    model: { ...model, device: device?.device ?? 'cpu' },
  });
  let rate: number | undefined;
  for (const { what, target, model } of casesOf(tiny)) {
    if (performance.now() > end) {
      console.log(`${what}: left out, the time is up`);
      continue;
    }
    const steppers = new Steppers(stepCommands(setting(model)), STEPS);
    const rounds: Partial<Record<Contender, Measured[]>> = {};
    try {
      for (let round = 0; round < ROUNDS && (round === 0 || performance.now() < end); round++)
        for (const contender of contenders)
          rounds[contender] = [...(rounds[contender] ?? []), await steppers.measure(contender)];
      rate ??= await steppers.of('luthier').copyRate(tiny ? 2 ** 20 : COPIED);
    } finally {
      steppers.end();
    }
    console.log([what, ...resultLines(rounds, target, rate, model), ...countLines(model)].join('\n'));
  }
  if (data === null) console.log('Steps of real lengths are left out: pass --data with SST-2’s files.');
  else if (performance.now() > end) console.log('Steps of real lengths are left out, the time is up.');
  else await measureLengths(data, tiny, (model) => stepCommands(setting(model)));
}

/** Tokens a second of SST-2's texts over those of full rows, both with about as many tokens a step. */
async function measureLengths(
  data: string,
  tiny: boolean,
  commandsOf: (model: StepCase['model']) => ReturnType<typeof stepCommands>,
): Promise<void> {
  const { model } = casesOf(tiny)[0]!;
  const most = model.length;
  const all = wordsOf(data).map((words) => Math.min(most, words + 2));
  const batch = Math.round((model.batch * model.length * all.length) / all.reduce((a, b) => a + b, 0));
  const lengths = all.slice(0, batch * BATCHES);
  const rates: number[] = [];
  for (const its of [{ ...model, batch, lengths }, model]) {
    const stepper = new Stepper(commandsOf(its)('luthier'));
    // Shapes are compiled the first time.
    await stepper.run(BATCHES);
    const { tokens = 0, figures } = await stepper.run(BATCHES);
    stepper.end();
    rates.push((1000 * tokens) / figures.total!);
  }
  const [real, full] = rates as [number, number];
  console.log(
    `tokens a second of ${batch} of SST-2’s texts a step: ${real.toFixed(0)}, of full rows ${full.toFixed(0)}: ${(real / full).toFixed(2)} (wanted at least 0.9)`,
  );
}

function resultLines(
  rounds: Partial<Record<Contender, Measured[]>>,
  target: number,
  copyRate: number,
  model: StepCase['model'],
): string[] {
  const of = (contender: Contender, figure: string): number | undefined => {
    const values = (rounds[contender] ?? []).flatMap(({ figures }) => figures[figure] ?? []);
    return values.length > 0 ? median(values) : undefined;
  };
  const [ours, before, peer] = (['luthier', 'before', 'pytorch'] as const).map((contender) => of(contender, 'step'));
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const update = of('luthier', 'update');
  const limit = (1000 * countsOf(model).update.bytes) / copyRate;
  return [
    `  step: ${ms(ours!)}${before === undefined ? '' : `, before ${ms(before)} (${(ours! / before).toFixed(2)} of it)`}`,
    ...(peer === undefined
      ? []
      : [
          `  over PyTorch’s ${ms(peer)}: ${(ours! / peer).toFixed(2)} (wanted ${target})${before === undefined ? '' : `, before ${(before / peer).toFixed(2)}`}`,
        ]),
    ...(update === undefined
      ? []
      : [
          `  optimiser: ${ms(update)}, ${(update / limit).toFixed(2)} of what its bytes take at ${(copyRate / 1e9).toFixed(1)} GB/s (wanted ${UPDATE_TARGET})`,
        ]),
  ];
}

function countLines(model: StepCase['model']): string[] {
  const { training, update, spread, sent, transposes, transposedProducts } = countsOf(model);
  const line = (what: string, { nodes, bytes, copied }: typeof training) =>
    `  ${what}: ${nodes.toLocaleString('en')} nodes, ${mb(bytes)} read and written, ${mb(copied)} of it copied`;
  return [
    `${line('loss and gradients', training)}; ${transposes} transposes, ${transposedProducts} products with a transposed weight`,
    line('optimiser', update),
    line('parameters out of their blocks', spread),
    `  sent to the card in a step: ${mb(sent)}`,
  ];
}

const mb = (bytes: number) =>
  `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: bytes < 1e7 ? 2 : 0 })} MB`;

/** Where PyTorch would compute, and what that is called. */
function torchDevice(python: string): { device: NonNullable<StepSpec['device']>; name: string; version: string } {
  const script = [
    'import json, torch',
    'cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()',
    "device = 'cuda' if cuda else 'mps' if mps else 'cpu'",
    "name = torch.cuda.get_device_name() if cuda else 'Apple’s card' if mps else 'the processor'",
    "print(json.dumps({'device': device, 'name': name, 'version': torch.__version__}))",
  ].join('\n');
  const { stdout, stderr, status } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${python} has no PyTorch: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout);
}

/**
 * How a step’s time and memory grow with tokens a batch, with length, layers and width, and a token’s with the tokens before
 * it: measured, beside the arithmetic.
 *   node dist/bench/growth.mjs [--plot]      --plot draws bench/growth.json anew without measuring
 * Points that bench/growth.json has are not measured again: remove it to begin anew.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { startersFolder } from '../src/engine/hub/resolve.ts';
import { decoderCommands } from './decoders.ts';
import { drawPlot, type PlotPoint } from './plot.ts';
import { writeMarkdown } from './results.ts';
import type { StepSpec } from './spec.ts';
import { Steppers, stepCommands, stepOperations } from './steppers.ts';

const root = dirname(startersFolder());
const file = join(root, 'bench/growth.json');

type Model = Omit<StepSpec, 'backend' | 'threads'>;
const BASE: Model = {
  ...{ layers: 6, hidden: 384, heads: 6, vocab: 30_522, batch: 8, length: 128, dropout: 0, frozen: 0 },
};

/** Tokens that are timed after each context. */
const CONTEXT_TOKENS = 24;
/** SmolLM2-135M: parameters, of which each is multiplied once a token; layers, and width of all heads together. */
const SMOLLM2 = { parameters: 134_515_008, layers: 30, hidden: 576 };

interface Axis {
  title: string;
  label: string;
  /** What takes the time, where it is no step. */
  of?: string;
  values: readonly number[];
  measure: (value: number) => Promise<Point>;
}

const ofStep = (model: (value: number) => Model) => (value: number) => measure(model(value), value);

/** One thing grows, all else stays: MiniLM's shape (6 layers × 384) with 8 × 128 tokens. */
const AXES: Readonly<Record<string, Axis>> = {
  tokens: {
    title: 'Tokens a batch (6 × 384, rows of 128)',
    label: 'tokens',
    values: [128, 256, 512, 1024, 2048, 4096],
    measure: ofStep((tokens) => ({ ...BASE, batch: tokens / 128 })),
  },
  length: {
    title: 'Sequence length (6 × 384, 2,048 tokens a batch)',
    label: 'tokens a row',
    values: [32, 64, 128, 256, 512],
    measure: ofStep((length) => ({ ...BASE, length, batch: 2048 / length })),
  },
  layers: {
    title: 'Layers (384 wide, 8 × 128 tokens)',
    label: 'layers',
    values: [1, 2, 4, 6, 9, 12],
    measure: ofStep((layers) => ({ ...BASE, layers })),
  },
  width: {
    title: 'Width (6 layers, 8 × 128 tokens)',
    label: 'hidden_size',
    values: [128, 256, 384, 512, 768, 1024],
    measure: ofStep((hidden) => ({ ...BASE, hidden, heads: hidden / 64 })),
  },
  context: {
    title: `A token after so many (SmolLM2-135M, fastest of ${CONTEXT_TOKENS})`,
    label: 'tokens before it',
    of: 'token',
    values: [64, 128, 256, 512, 1024, 2048],
    measure: measureContext,
  },
};

interface Point extends PlotPoint {
  machine: string;
}
type Growth = Record<string, Point[]>;

const growth: Growth = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Growth) : {};

async function measure(model: Model, value: number): Promise<Point> {
  const threads = availableParallelism();
  const steppers = new Steppers(stepCommands({ root, python: '', tfjsNode: null, threads, model }));
  try {
    const { figures, peak_rss_bytes } = await steppers.measure('luthier');
    const gflops = await steppers.rate('luthier', model.hidden);
    const machine = `${cpus()[0]?.model.trim()}, ${threads} cores`;
    return { value, ms: figures.step!, limit_ms: stepOperations(model) / gflops / 1e6, bytes: peak_rss_bytes, machine };
  } finally {
    steppers.end();
  }
}

/** The weights of LUTHIER_SMOLLM2, or random ones; the fastest token, since what else the machine does only slows it down. */
async function measureContext(context: number): Promise<Point> {
  const threads = availableParallelism();
  const setting = { root, python: '', against: null, threads, smollm2: process.env.LUTHIER_SMOLLM2 };
  const { commandOf, dispose } = await decoderCommands({ type: 'token', context }, setting);
  const steppers = new Steppers(commandOf, CONTEXT_TOKENS);
  const small = { ...BASE, layers: 1, hidden: 64, heads: 1, batch: 1, length: 8 };
  const rates = new Steppers(stepCommands({ root, python: '', tfjsNode: null, threads, model: small }));
  try {
    const { figures, peak_rss_bytes } = await steppers.measure('luthier');
    steppers.end();
    const gflops = await rates.rate('luthier', SMOLLM2.hidden);
    const operations = 2 * SMOLLM2.parameters + 4 * SMOLLM2.layers * SMOLLM2.hidden * context;
    const machine = `${cpus()[0]?.model.trim()}, ${threads} cores`;
    return {
      value: context,
      ms: figures.fastest!,
      limit_ms: operations / gflops / 1e6,
      bytes: peak_rss_bytes,
      machine,
    };
  } finally {
    steppers.end();
    rates.end();
    dispose();
  }
}

async function main(): Promise<void> {
  for (const [name, { values, measure }] of Object.entries(AXES)) {
    growth[name] ??= [];
    const points = growth[name];
    for (const value of process.argv.includes('--plot') ? [] : values) {
      if (points.some((point) => point.value === value)) continue;
      const point = await measure(value);
      console.error(name, JSON.stringify(point));
      points.push(point);
      points.sort((a, b) => a.value - b.value);
      writeFileSync(file, `${JSON.stringify(growth, null, 2)}\n`);
    }
  }
  mkdirSync(join(root, 'bench/plots'), { recursive: true });
  for (const [name, { title, label, of = 'step' }] of Object.entries(AXES)) {
    const points = growth[name] ?? [];
    if (points.length > 0) {
      const machine = [...new Set(points.map((point) => point.machine))].join('; ');
      writeFileSync(join(root, `bench/plots/${name}.svg`), drawPlot({ title, label, of, points, machine }));
    }
  }
  // It shows the plots that there are.
  writeMarkdown(root);
}

await main();

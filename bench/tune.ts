/**
 * One side of a tuning case: LoRA of a decoder on dialogues. Reads lines `run N` from stdin and answers each with
 * {"ms":[…],"losses":[…],"peak_rss_bytes":…}, `total 1` with {"steps":…} of an epoch, `evaluate 1` with {"loss":…} of the
 * rows held out, and `save PATH` and `load PATH`, of what it has learnt, with {"step":…}. Before the first it leaves in a
 * file what bench/peers/tune.py, its like in PyTorch, trains on and starts from: tokens and adapters.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { loadDataset } from '../src/engine/data/dataset.ts';
import { Random } from '../src/engine/data/random.ts';
import { parseRecipe } from '../src/engine/recipes/recipe.ts';
import { Checkpoints } from '../src/engine/runs/checkpoints.ts';
import { taskFor } from '../src/engine/tasks/registry.ts';
import { Tokenizer } from '../src/engine/text/tokenizer.ts';
import { encodePart } from '../src/engine/train/encode.ts';
import { INITIAL_STATE } from '../src/engine/train/loop-state.ts';
import { createTrainer } from '../src/engine/train/trainer.ts';
import type { TuneSpec } from './spec.ts';

const { model, train, validation, backend, load_in_8bit, shared } = JSON.parse(process.argv[2]!) as TuneSpec;
const recipe = parseRecipe({
  ...{ task: 'conversational', model, dataset: { train, validation }, backend, max_length: 512, seed: 42 },
  strategy: { type: 'lora', r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'], load_in_8bit },
  ...{ learning_rate: 2e-4, lr_scheduler_type: 'constant', warmup_steps: 0, weight_decay: 0 },
  ...{ per_device_train_batch_size: 4, per_device_eval_batch_size: 4, num_train_epochs: 1 },
});
const base = process.cwd();
const trainer = await createTrainer({ recipe, base, note: () => {} });
await leaveShared();

const ORDERS: Readonly<Record<string, (rest: string) => Promise<object>>> = {
  run: async (number: string) => {
    const ms: number[] = [];
    const losses: number[] = [];
    for (let i = 0; i < Number(number); i++) {
      const start = performance.now();
      const { loss } = await trainer.trainStep();
      ms.push(performance.now() - start);
      losses.push(loss);
    }
    return { ms, losses, peak_rss_bytes: process.resourceUsage().maxRSS * 1024 };
  },
  total: async () => ({ steps: trainer.totalSteps }),
  evaluate: async () => {
    const { metrics } = await trainer.evaluate('validation');
    return { loss: (metrics as { loss: unknown }).loss };
  },
  save: async (path: string) => {
    await new Checkpoints(path, 1, '').save({ ...INITIAL_STATE, step: trainer.step }, trainer.state());
    return { step: trainer.step };
  },
  load: async (path: string) => {
    const kept = await new Checkpoints(path, 1, '').readLatest();
    trainer.restore({ ...kept!, step: kept!.loop.step });
    return { step: trainer.step };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = line.slice(0, line.indexOf(' '));
  console.log(JSON.stringify(await ORDERS[order]!(line.slice(order.length + 1))));
}
trainer.dispose();

/** The items in the order of the epoch's steps, as train/trainer.ts takes them. */
async function leaveShared(): Promise<void> {
  const task = taskFor(recipe);
  const dataset = await loadDataset(task, recipe.dataset, { base, ...recipe });
  const tokenizer = await Tokenizer.load(model);
  const part = (split: 'train' | 'validation') =>
    encodePart(task, dataset, split, tokenizer, recipe.max_length).items.map(({ ids, labels }) => ({
      ...{ ids: [...ids], labels: [...labels] },
    }));
  const items = part('train');
  const order = new Random(recipe.seed, 0).shuffle(Uint32Array.from(items, (_, i) => i));
  const adapters = Object.fromEntries(
    [...trainer.state().parameters].map(([name, { data, shape }]) => [name, { shape, data: [...data] }]),
  );
  const settings = { batch: recipe.per_device_train_batch_size, learning_rate: recipe.learning_rate };
  const rows = { train: Array.from(order, (i) => items[i]), validation: part('validation') };
  writeFileSync(shared, JSON.stringify({ ...rows, adapters, ...settings, ...recipe.strategy }));
}

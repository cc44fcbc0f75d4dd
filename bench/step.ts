/**
 * One side of a step case: a model of a given shape with random weights, trained on one full batch. Reads lines
 * `run N` from stdin and answers each with {"ms":[…],"peak_rss_bytes":…}, and `rate WIDTH` with {"gflops":…};
 * bench/peers/step.py is its like in PyTorch.
 */
import { createInterface } from 'node:readline';
import { Random } from '../src/engine/data/random.ts';
import { initializeAll } from '../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { TaskModel } from '../src/engine/runtime/model.ts';
import { architectureFor, isHeldIn8Bit, isTrainedIn } from '../src/engine/strategies/apply.ts';
import { classLoss } from '../src/engine/tasks/loss.ts';
import type { LabelledItem } from '../src/engine/tasks/task.ts';
import { createExecutor } from '../src/engine/tensor/executors/create.ts';
import { measureRate } from '../src/engine/tensor/executors/measure.ts';
import { adamWStep, gradientNorm } from '../src/engine/train/optimizer.ts';
import type { Strategy } from '../src/protocol/index.ts';
import type { StepSpec } from './spec.ts';

const RATE_REPEATS = 5;

const spec = JSON.parse(process.argv[2]!) as StepSpec;
const { layers, hidden, heads, vocab, batch, length, dropout, backend } = spec;
const strategy = strategyOf(spec);
const plain = architectureOf(
  {
    model_type: 'bert',
    vocab_size: vocab,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * hidden,
    max_position_embeddings: 512,
    hidden_dropout_prob: dropout,
    attention_probs_dropout_prob: dropout,
  },
  'config.json',
);
const architecture = architectureFor(strategy, plain);
const executor = await createExecutor(backend);
const classifier = new TaskModel({
  executor,
  architecture,
  numLabels: 2,
  padId: 0,
  isTrained: isTrainedIn(strategy, architecture),
  isHeldIn8Bit: isHeldIn8Bit(strategy, architecture),
  accumulate: false,
  loss: classLoss(),
  maxBatch: { texts: batch, tokens: length },
  seed: 1,
});
initializeAll(architecture, classifier.store, 1);
const random = new Random(1);
const texts: LabelledItem[] = Array.from({ length: batch }, (_, i) => ({
  ids: Int32Array.from({ length }, () => random.below(vocab)),
  typeIds: null,
  labels: Int32Array.of(i % 2),
}));
const adamW = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };

let step = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [order, number] = line.split(' ');
  if (order === 'rate') {
    const rates: number[] = [];
    for (let i = 0; i < RATE_REPEATS; i++) rates.push(await measureRate(executor, Number(number)));
    // The best: whatever else the machine does only slows it down.
    console.log(JSON.stringify({ gflops: Math.max(...rates) }));
    continue;
  }
  const steps = Number(number);
  const ms: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await classifier.gradients(texts, { weight: 1 / batch, microStep: step, slots: batch });
    step++;
    if (classifier.device) await classifier.device.step(adamW, 2e-5, step, () => {});
    else adamWStep(classifier.store, adamW, 2e-5, step, gradientNorm(classifier.store));
    ms.push(performance.now() - start);
  }
  console.log(JSON.stringify({ ms, peak_rss_bytes: process.resourceUsage().maxRSS * 1024 }));
}
classifier.dispose();

function strategyOf({ lora, frozen, load_in_8bit = false }: StepSpec): Strategy {
  if (lora !== undefined) {
    const target_modules = ['query', 'value'];
    return { type: 'lora', r: lora, lora_alpha: 2 * lora, lora_dropout: 0, target_modules, load_in_8bit };
  }
  return frozen > 0 ? { type: 'freeze', num_frozen_layers: frozen, load_in_8bit } : { type: 'full' };
}

/**
 * One side of a step case: a model of a given shape with random weights, trained on one full batch. Reads lines
 * `run N` from stdin and answers each with {"ms":[…],"peak_rss_bytes":…}, and `rate WIDTH` with {"gflops":…};
 * bench/peers/step.py is its like in PyTorch. Where parameters are on a card, the answer to `run` also has the optimiser's
 * part of each step, "update_ms", and `copy BYTES` is answered with the card's rate of reading and writing as it copies.
 */
import { createInterface } from 'node:readline';
import { Random } from '../src/engine/data/random.ts';
import { initializeAll } from '../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { TaskModel } from '../src/engine/runtime/model.ts';
import { architectureFor, heldBy, isTrainedIn } from '../src/engine/strategies/apply.ts';
import { classLoss } from '../src/engine/tasks/loss.ts';
import type { LabelledItem } from '../src/engine/tasks/task.ts';
import { createExecutor } from '../src/engine/tensor/executors/create.ts';
import { measureRate } from '../src/engine/tensor/executors/measure.ts';
import { adamWStep, gradientNorm } from '../src/engine/train/optimizer.ts';
import { copyRate } from './card-rate.ts';
import type { StepSpec } from './spec.ts';
import { ADAM_W, configOf, strategyOf } from './step-model.ts';

const RATE_REPEATS = 5;

const spec = JSON.parse(process.argv[2]!) as StepSpec;
const { vocab, batch, length, backend } = spec;
const strategy = strategyOf(spec);
const plain = architectureOf(configOf(spec), 'config.json');
const architecture = architectureFor(strategy, plain);
const executor = await createExecutor(backend);
const classifier = new TaskModel({
  executor,
  architecture,
  numLabels: 2,
  padId: 0,
  isTrained: isTrainedIn(strategy, architecture),
  held: heldBy(strategy, architecture),
  accumulate: false,
  loss: classLoss(),
  maxBatch: { texts: batch, tokens: Math.max(length, ...(spec.lengths ?? [])) },
  seed: 1,
});
initializeAll(architecture, classifier.store, 1);
const random = new Random(1);
const texts = (spec.lengths ?? Array<number>(batch).fill(length)).map(
  (length, i): LabelledItem => ({
    ids: Int32Array.from({ length }, () => random.below(vocab)),
    typeIds: null,
    labels: Int32Array.of(i % 2),
  }),
);
const batches = Array.from({ length: Math.floor(texts.length / batch) }, (_, i) =>
  texts.slice(i * batch, (i + 1) * batch),
);

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
  if (order === 'copy') {
    console.log(JSON.stringify({ bytes_per_second: await copyRate(executor, Number(number)) }));
    continue;
  }
  const steps = Number(number);
  const [ms, update_ms]: [number[], number[]] = [[], []];
  let tokens = 0;
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    const { tokens: its } = await classifier.gradients(batches[step % batches.length]!, {
      weight: 1 / batch,
      microStep: step,
      slots: batch,
    });
    tokens += its;
    step++;
    const computed = performance.now();
    if (classifier.device) await classifier.device.step(ADAM_W, 2e-5, step, () => {});
    else adamWStep(classifier.store, ADAM_W, 2e-5, step, gradientNorm(classifier.store));
    ms.push(performance.now() - start);
    if (classifier.device) update_ms.push(performance.now() - computed);
  }
  console.log(JSON.stringify({ ms, update_ms, tokens, peak_rss_bytes: process.resourceUsage().maxRSS * 1024 }));
}
classifier.dispose();

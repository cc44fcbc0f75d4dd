/**
 * One side of a token case: a decoder that continues a text of so many tokens, greedily. Reads lines `run N` from stdin
 * and answers each with {"ms":[…],"peak_rss_bytes":…}, the time of each of N tokens after the first;
 * bench/peers/next_token.py is its like in PyTorch.
 */
import { createInterface } from 'node:readline';
import { CachedModel } from '../src/engine/infer/cached-model.ts';
import { write } from '../src/engine/infer/write.ts';
import { openModel } from '../src/engine/model-files/open-model.ts';
import { isLayerWeight, isProductWeight } from '../src/engine/models/architecture.ts';
import { taskNamed } from '../src/engine/tasks/registry.ts';
import type { TokenSpec } from './spec.ts';
import { promptOf } from './token-prompt.ts';

const { model: folder, context, backend, load_in_8bit } = JSON.parse(process.argv[2]!) as TokenSpec;
const open = await openModel(folder, backend, undefined, () => taskNamed('text-generation'));
const { architecture } = open.model;
const model = new CachedModel(
  open.model,
  undefined,
  load_in_8bit ? { isHeld: isProductWeight(architecture), isHeldInPrompts: isLayerWeight(architecture) } : undefined,
);
const prompt = promptOf(context, architecture.vocabSize);

for await (const line of createInterface({ input: process.stdin })) {
  const tokens = Number(line.split(' ')[1]);
  const at: number[] = [];
  await write(model, prompt, {
    settings: { max_new_tokens: tokens + 1 },
    ends: new Set(),
    decodeStream: () => open.tokenizer.decodeStream(),
    onText: () => at.push(performance.now()),
  });
  // What is heard last is the end, without a token.
  const ms = at.slice(1, tokens + 1).map((time, i) => time - at[i]!);
  console.log(JSON.stringify({ ms, peak_rss_bytes: process.resourceUsage().maxRSS * 1024 }));
}
open.dispose();

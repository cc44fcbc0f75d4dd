import { type AnswerName, FILL_MASK, taskOf } from '../protocol/tasks.ts';
import { readAllAgain } from './cache.ts';
import { javascriptText, placeOf, pythonText } from './literals.ts';

/** What a pipeline is given in the place of a text that a person types. */
export interface PipelineInput {
  text: string;
  /** Tokens that the text is cut to, where it has more. */
  cutTo?: number;
}

/** How a model is used outside: three lines that run as they stand. */
export const pythonFor = (folder: string, task: AnswerName, given?: PipelineInput): string => {
  const { name, text } = pipelineOf(task);
  const verb = name === 'text-generation' ? 'write' : name === FILL_MASK ? 'fill' : 'classify';
  const more =
    task === 'token-classification'
      ? ', aggregation_strategy="first"'
      : task === 'multi_label_classification'
        ? ', top_k=None'
        : '';
  const said = given?.text ?? text;
  const cut = given?.cutTo === undefined ? '' : `, truncation=True, max_length=${given.cutTo}`;
  return [
    'from transformers import pipeline',
    `${verb} = pipeline(${pythonText(name)}, model=${pythonText(folder)}${more})`,
    `print(${verb}(${said === undefined ? '[{"role": "user", "content": "Type a message here"}]' : pythonText(said)}${cut}))`,
  ].join('\n');
};

/**
 * The same for a model that reads a prompt which was learnt: transformers alone would answer without it, peft with it.
 * The weights are in its folder “base”. A prefix is lost in `generate` (peft 0.21, transformers 5.23: it is given a cache of
 * its own, which wins over peft's), so that the model itself is asked for each token.
 * @param strategy by which it was learnt
 */
export const peftPythonFor = (folder: string, task: AnswerName, strategy?: string): string => {
  const { name, text = 'Type a message here' } = pipelineOf(task);
  const writes = name === 'text-generation';
  const auto = `AutoModelFor${writes ? 'CausalLM' : 'SequenceClassification'}`;
  const chat = pipelineOf(task).text === undefined;
  const given = chat
    ? `tokenizer.apply_chat_template([{"role": "user", "content": ${pythonText(text)}}], add_generation_prompt=True, return_dict=True, return_tensors="pt")`
    : `tokenizer(${pythonText(text)}, return_tensors="pt")`;
  const generated = [
    'ids = inputs["input_ids"]',
    '# generate would lose the prefix with transformers 5',
    'for _ in range(64):',
    '    ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)',
    '    if ids[0, -1] == tokenizer.eos_token_id: break',
    'print(tokenizer.decode(ids[0]))',
  ];
  const isPrefix = writes && strategy === 'prefix-tuning';
  return [
    ...(isPrefix ? ['import torch'] : []),
    'from peft import PeftModel',
    `from transformers import ${auto}, AutoTokenizer`,
    `folder = ${pythonText(folder)}`,
    `model = PeftModel.from_pretrained(${auto}.from_pretrained(folder + "/base"), folder).eval()`,
    'tokenizer = AutoTokenizer.from_pretrained(folder)',
    `inputs = ${given}`,
    ...(isPrefix
      ? generated
      : writes
        ? ['print(tokenizer.decode(model.generate(**inputs, max_new_tokens=64)[0]))']
        : task === 'text-classification'
          ? ['print(model.config.id2label[model(**inputs).logits.argmax().item()])']
          : ['print(model(**inputs).logits)']),
  ].join('\n');
};

/** The pipeline that runs a task's models, and what it is given; no text where it is messages. */
function pipelineOf(task: AnswerName): { name: string; text?: string } {
  if (task === FILL_MASK) return { name: task, text: 'Type a text with a [MASK] here' };
  const { writes, ...described } = taskOf(task);
  if (writes === undefined) return { name: described.of ?? described.name, text: 'Type a text here' };
  return { name: 'text-generation', ...(writes === 'continuation' && { text: 'Type the beginning of a text here' }) };
}

/** The same for transformers.js. */
export const javascriptFor = (folder: string, task: AnswerName, given?: PipelineInput): string => {
  const { name: pipeline, text } = pipelineOf(task);
  const { parent, name } = placeOf(folder);
  const said = given?.text ?? text;
  const input = said === undefined ? "[{ role: 'user', content: 'Type a message here' }]" : javascriptText(said);
  const more = task === 'multi_label_classification' ? ', { top_k: null }' : '';
  const place = `Object.assign(env, { localModelPath: ${javascriptText(parent)}, allowRemoteModels: false });`;
  const made = `await pipeline(${javascriptText(pipeline)}, ${javascriptText(name)}, { dtype: 'fp32' })`;
  if (pipeline !== 'text-generation') {
    return [
      "import { env, pipeline } from '@huggingface/transformers';",
      place,
      `console.log(await (${made})(${input}${more}));`,
    ].join('\n');
  }
  return [
    "import { env, pipeline, Tensor } from '@huggingface/transformers';",
    place,
    `const write = ${made};`,
    ...readAllAgain('write.model'),
    `console.log(await write(${input}));`,
  ].join('\n');
};

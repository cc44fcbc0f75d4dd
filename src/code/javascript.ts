import type { AskedInCode, CodeRequest, LabelWords, ReadPrompt } from './asked.ts';
import { readAllAgain } from './cache.ts';
import { javascriptText, oneLine, placeOf, type TextStyle, textInLines } from './literals.ts';
import { javascriptFor } from './pipeline.ts';

const STYLE: TextStyle = { literal: javascriptText, open: '[', close: "].join('')", join: ',\n', step: '  ' };
const inLines = (text: string, indent = ''): string => textInLines(text, { ...STYLE, indent });

const LIBRARY = '@huggingface/transformers';

/** A prompt and what is asked of it, for transformers.js. */
export function javascriptPrompt({ about, folder, asked }: CodeRequest): string[] {
  const head = [
    ...about,
    ...remarks(asked),
    `npm install ${LIBRARY}; the model needs onnx/model.onnx in its folder (Export as ONNX).`,
    'Save it as a file that ends in .mjs.',
  ].map((text) => `// ${oneLine(text)}`);
  if (asked.does === 'answer') return [...head, javascriptFor(folder, asked.task, { text: asked.text })];
  const auto = asked.does === 'fill' ? 'AutoModelForMaskedLM' : 'AutoModelForCausalLM';
  const names = [
    ...[auto, 'AutoTokenizer', 'env', 'Tensor'],
    ...(asked.does === 'write' && asked.settings.do_sample ? ['random'] : []),
    ...(asked.does === 'write' && asked.settings.stop?.length ? ['StoppingCriteria'] : []),
  ].filter((name) => asked.does !== 'fill' || name !== 'Tensor');
  const { parent, name } = placeOf(folder);
  return [
    ...head,
    `import { ${names.toSorted().join(', ')} } from '${LIBRARY}';`,
    '',
    `Object.assign(env, { localModelPath: ${javascriptText(parent)}, allowRemoteModels: false });`,
    `const tokenizer = await AutoTokenizer.from_pretrained(${javascriptText(name)});`,
    `const model = await ${auto}.from_pretrained(${javascriptText(name)}, { dtype: 'fp32' });`,
    '',
    ...(asked.does === 'write' ? writing(asked) : asked.does === 'continue' ? continuing(asked) : filling(asked)),
  ];
}

/** What transformers.js has no way to do. */
function remarks(asked: AskedInCode): string[] {
  if (asked.does !== 'write') return [];
  const { do_sample, num_beams = 1, top_p = 1, min_p = 0 } = asked.settings;
  const lacking = [
    ...(num_beams > 1 ? [`num_beams (${num_beams})`] : []),
    ...(top_p < 1 ? [`top_p (${top_p})`] : []),
    ...(min_p > 0 ? [`min_p (${min_p})`] : []),
  ];
  const instead = num_beams > 1 ? 'the likeliest token is taken each time' : 'tokens that it would leave out are drawn';
  return [
    ...(lacking.length > 0 ? [`Left out, since transformers.js has no ${lacking.join(' and no ')}: ${instead}.`] : []),
    ...(do_sample
      ? [
          'The seed draws the same tokens each time, but others than in Luthier: the generators of random numbers differ.',
        ]
      : []),
  ];
}

function reading(prompt: ReadPrompt): string[] {
  if (prompt.as === 'text')
    return [`const prompt = ${inLines(prompt.text)};`, 'const promptIds = tokenizer.encode(prompt);'];
  const { messages, begun, chatTemplate } = prompt;
  return [
    ...(chatTemplate === null
      ? []
      : [
          '// The model has no chat template, so ChatML is used.',
          `tokenizer.chat_template = ${javascriptText(chatTemplate)};`,
        ]),
    'const messages = [',
    ...messages.map(({ role, content }) => `  { role: ${javascriptText(role)}, content: ${inLines(content, '  ')} },`),
    '];',
    ...(begun === '' ? [] : ['// The answer is begun; the model goes on with it.', `const begun = ${inLines(begun)};`]),
    `const prompt = tokenizer.apply_chat_template(messages, { tokenize: false, add_generation_prompt: true })${begun === '' ? '' : ' + begun'};`,
    'const promptIds = tokenizer.encode(prompt, { add_special_tokens: false });',
  ];
}

const INPUTS = [
  'const inputsOf = (ids) => ({',
  "  input_ids: new Tensor('int64', ids.map(BigInt), [1, ids.length]),",
  "  attention_mask: new Tensor('int64', ids.map(() => 1n), [1, ids.length]),",
  '});',
];
const DECODING = '{ skip_special_tokens: true, clean_up_tokenization_spaces: false }';

function writing({ prompt, settings, ends }: Extract<AskedInCode, { does: 'write' }>): string[] {
  const { stop = [], do_sample, seed = 0, num_beams: _, top_p: __, min_p: ___, ...numbers } = settings;
  const options = [
    ...Object.entries(numbers).map(([key, value]) => `${key}: ${value}`),
    `do_sample: ${do_sample === true}`,
    // Without a word of it the library draws from the 50 likeliest.
    ...(do_sample && numbers.top_k === undefined ? ['top_k: 0'] : []),
    ...(ends.length > 0
      ? [
          `eos_token_id: [${ends.map(({ id }) => id).join(', ')}], // ${oneLine(ends.map(({ token }) => token).join(', '))}`,
        ]
      : []),
    ...(stop.length > 0 ? ['stopping_criteria: new Stop()'] : []),
  ];
  return [
    ...reading(prompt),
    ...INPUTS,
    '',
    ...readAllAgain('model'),
    '// What generation_config.json suggests does not count.',
    'model.configs.generation_config = {};',
    `const answerOf = (ids) => tokenizer.decode(ids.slice(promptIds.length), ${DECODING});`,
    ...(stop.length > 0
      ? [
          `const stops = [${stop.map(javascriptText).join(', ')}];`,
          'class Stop extends StoppingCriteria {',
          '  _call(texts) {',
          '    return texts.map((ids) => stops.some((stop) => answerOf(ids).includes(stop)));',
          '  }',
          '}',
        ]
      : []),
    ...(do_sample ? [`random.seed(${seed});`] : []),
    'const output = await model.generate({',
    '  ...inputsOf(promptIds),',
    ...options.map((option) => `  ${option.includes(' // ') ? option : `${option},`}`),
    '});',
    `${stop.length > 0 ? 'let' : 'const'} answer = answerOf(output.tolist()[0]);`,
    ...(stop.length > 0
      ? ['// The answer ends before the first of them.', 'for (const stop of stops) answer = answer.split(stop)[0];']
      : []),
    'console.log(answer);',
  ];
}

const wordsOf = (words: LabelWords): string[] => [
  'const words = {',
  ...Object.entries(words).map(
    ([label, texts]) => `  ${javascriptText(label)}: [${texts.map(javascriptText).join(', ')}],`,
  ),
  '};',
];

/** The logarithm of a token's probability, at a place of the logits. */
const PROBABILITY = [
  'const logProbabilityAt = ({ data, dims }, place, id) => {',
  '  const row = data.subarray(place * dims[2], (place + 1) * dims[2]);',
  '  const most = row.reduce((a, b) => Math.max(a, b));',
  '  return row[id] - most - Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));',
  '};',
];

/** Probabilities of labels among themselves, the likeliest first. */
const SCORES = [
  'const scores = [];',
  'for (const [label, own] of Object.entries(words)) {',
  '  let score = 0;',
  '  for (const word of own) score += Math.exp(await logProbability(word));',
  '  scores.push([label, score]);',
  '}',
  'const total = scores.reduce((sum, [, score]) => sum + score, 0);',
  'for (const [label, score] of scores.sort((a, b) => b[1] - a[1]))',
  '  console.log(`${label}\\t${(score / total).toFixed(4)}`);',
];

const continuing = ({ prompt, words }: Extract<AskedInCode, { does: 'continue' }>): string[] => [
  ...reading(prompt),
  ...INPUTS,
  '// What stands for each label, with the blank before it.',
  ...wordsOf(words),
  '',
  ...PROBABILITY,
  'const logProbability = async (word) => {',
  '  const own = tokenizer.encode(word, { add_special_tokens: false });',
  '  const { logits } = await model(inputsOf([...promptIds, ...own]));',
  '  return own.reduce((sum, id, i) => sum + logProbabilityAt(logits, promptIds.length - 1 + i, id), 0);',
  '};',
  ...SCORES,
];

const filling = ({ text, mask, words }: Extract<AskedInCode, { does: 'fill' }>): string[] => [
  `const mask = ${javascriptText(mask)};`,
  `const text = ${inLines(text)};`,
  '// What stands for each label.',
  ...wordsOf(words),
  'const whole = tokenizer.encode(text);',
  'const at = whole.indexOf(tokenizer.encode(mask, { add_special_tokens: false })[0]);',
  'const behind = whole.slice(at + 1);',
  '',
  ...PROBABILITY,
  'const logProbability = async (word) => {',
  '  let ids = tokenizer.encode(text.replace(mask, () => word));',
  '  const end = ids.length - behind.length;',
  '  const isSame = `${ids.slice(0, at)}` === `${whole.slice(0, at)}` && `${ids.slice(end)}` === `${behind}`;',
  '  ids = isSame ? ids.slice(at, end) : tokenizer.encode(word, { add_special_tokens: false });',
  '  // A word of several tokens is read at as many masks.',
  '  const { logits } = await model(tokenizer(text.replace(mask, () => mask.repeat(ids.length))));',
  '  return ids.reduce((sum, id, i) => sum + logProbabilityAt(logits, at + i, id), 0);',
  '};',
  ...SCORES,
];

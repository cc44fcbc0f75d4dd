import type { AskedInCode, CodeRequest, LabelWords, ReadPrompt } from './asked.ts';
import { oneLine, pythonText, type TextStyle, textInLines } from './literals.ts';
import { pythonFor } from './pipeline.ts';

const STEP = '    ';
/** Adjacent literals are one text. */
const STYLE: TextStyle = { literal: pythonText, open: '(', close: ')', join: '\n', step: STEP };
const inLines = (text: string, indent = ''): string => textInLines(text, { ...STYLE, indent });

/** A prompt and what is asked of it, for transformers. */
export function pythonPrompt({ about, folder, asked }: CodeRequest): string[] {
  const head = [...about, ...remarks(asked), 'pip install torch transformers'].map((text) => `# ${oneLine(text)}`);
  if (asked.does === 'answer')
    return [...head, pythonFor(folder, asked.task, { text: asked.text, ...(asked.cutTo && { cutTo: asked.cutTo }) })];
  const auto = asked.does === 'fill' ? 'AutoModelForMaskedLM' : 'AutoModelForCausalLM';
  const more = asked.does === 'write' ? ['GenerationConfig', ...(asked.settings.do_sample ? ['set_seed'] : [])] : [];
  return [
    ...head,
    ...(asked.does === 'write' ? [] : ['import torch']),
    `from transformers import ${[auto, 'AutoTokenizer', ...more].join(', ')}`,
    '',
    `folder = ${pythonText(folder)}`,
    'tokenizer = AutoTokenizer.from_pretrained(folder)',
    `model = ${auto}.from_pretrained(folder).float().eval()`,
    '',
    ...(asked.does === 'write' ? writing(asked) : asked.does === 'continue' ? continuing(asked) : filling(asked)),
  ];
}

const remarks = (asked: AskedInCode): string[] =>
  asked.does === 'write' && asked.settings.do_sample
    ? ['The seed draws the same tokens each time, but others than in Luthier: the generators of random numbers differ.']
    : [];

function reading(prompt: ReadPrompt): string[] {
  if (prompt.as === 'text')
    return [`prompt = ${inLines(prompt.text)}`, 'inputs = tokenizer(prompt, return_tensors="pt")'];
  const { messages, begun, chatTemplate } = prompt;
  return [
    ...(chatTemplate === null
      ? []
      : [
          '# The model has no chat template, so ChatML is used.',
          `tokenizer.chat_template = ${pythonText(chatTemplate)}`,
        ]),
    'messages = [',
    ...messages.map(
      ({ role, content }) => `${STEP}{"role": ${pythonText(role)}, "content": ${inLines(content, STEP)}},`,
    ),
    ']',
    'prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)',
    ...(begun === '' ? [] : ['# The answer is begun; the model goes on with it.', `prompt += ${inLines(begun)}`]),
    'inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")',
  ];
}

function writing({ prompt, settings, ends }: Extract<AskedInCode, { does: 'write' }>): string[] {
  const { stop = [], do_sample, seed = 0, ...numbers } = settings;
  const options = [
    ...Object.entries(numbers).map(([key, value]) => `${key}=${value}`),
    `do_sample=${do_sample ? 'True' : 'False'}`,
    // Without a word of it the library draws from the 50 likeliest.
    ...(do_sample && numbers.top_k === undefined ? ['top_k=0'] : []),
    ...(stop.length > 0 ? [`stop_strings=stops`, 'tokenizer=tokenizer'] : []),
  ];
  return [
    ...reading(prompt),
    '',
    ...(stop.length > 0 ? [`stops = ${list(stop)}`] : []),
    ...(do_sample ? [`set_seed(${seed})`] : []),
    '# What generation_config.json suggests does not count.',
    ...(ends.length === 0
      ? ['model.generation_config = GenerationConfig()']
      : [
          `model.generation_config = GenerationConfig(eos_token_id=[${ends.map(({ id }) => id).join(', ')}], pad_token_id=${ends[0]!.id})  # ${oneLine(ends.map(({ token }) => token).join(', '))}`,
        ]),
    'output = model.generate(',
    `${STEP}inputs.input_ids,`,
    `${STEP}attention_mask=inputs.attention_mask,`,
    ...options.map((option) => `${STEP}${option},`),
    ')',
    'new = output[0, inputs.input_ids.shape[1] :]',
    'answer = tokenizer.decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)',
    ...(stop.length > 0
      ? ['# The answer ends before the first of them.', 'for stop in stops:', `${STEP}answer = answer.split(stop)[0]`]
      : []),
    'print(answer)',
  ];
}

const list = (texts: readonly string[]): string => `[${texts.map(pythonText).join(', ')}]`;

const wordsOf = (words: LabelWords): string[] => [
  'words = {',
  ...Object.entries(words).map(([label, texts]) => `${STEP}${pythonText(label)}: ${list(texts)},`),
  '}',
];

/** Probabilities of labels among themselves, the likeliest first. */
const SCORES = [
  'scores = {label: sum(log_probability(word).exp() for word in own) for label, own in words.items()}',
  'total = sum(scores.values())',
  'for label, score in sorted(scores.items(), key=lambda item: -item[1]):',
  `${STEP}print(f"{label}\\t{score / total:.4f}")`,
];

const continuing = ({ prompt, words }: Extract<AskedInCode, { does: 'continue' }>): string[] => [
  ...reading(prompt),
  '# What stands for each label, with the blank before it.',
  ...wordsOf(words),
  '',
  '',
  'def log_probability(word):',
  `${STEP}own = tokenizer(word, add_special_tokens=False, return_tensors="pt").input_ids`,
  `${STEP}ids = torch.cat([inputs.input_ids, own], 1)`,
  `${STEP}with torch.no_grad():`,
  `${STEP}${STEP}logits = model(ids).logits[0, inputs.input_ids.shape[1] - 1 : -1]`,
  `${STEP}return logits.double().log_softmax(-1).gather(1, own[0, :, None]).sum()`,
  '',
  '',
  ...SCORES,
];

const filling = ({ text, mask, words }: Extract<AskedInCode, { does: 'fill' }>): string[] => [
  `mask = ${pythonText(mask)}`,
  `text = ${inLines(text)}`,
  '# What stands for each label.',
  ...wordsOf(words),
  'whole = tokenizer(text).input_ids',
  'at = whole.index(tokenizer.convert_tokens_to_ids(mask))',
  'behind = whole[at + 1 :]',
  '',
  '',
  'def log_probability(word):',
  `${STEP}ids = tokenizer(text.replace(mask, word)).input_ids`,
  `${STEP}if ids[:at] == whole[:at] and ids[len(ids) - len(behind) :] == behind:`,
  `${STEP}${STEP}ids = ids[at : len(ids) - len(behind)]`,
  `${STEP}else:`,
  `${STEP}${STEP}ids = tokenizer(word, add_special_tokens=False).input_ids`,
  `${STEP}# A word of several tokens is read at as many masks.`,
  `${STEP}inputs = tokenizer(text.replace(mask, mask * len(ids)), return_tensors="pt")`,
  `${STEP}with torch.no_grad():`,
  `${STEP}${STEP}logits = model(**inputs).logits[0, at : at + len(ids)]`,
  `${STEP}return logits.double().log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).sum()`,
  '',
  '',
  ...SCORES,
];

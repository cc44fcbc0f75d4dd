import { settingsOf } from '../../prompts/options.ts';
import {
  type Answer,
  type Answered,
  type GenerationSettings,
  maskFills,
  type PromptAnswer,
  type PromptSource,
} from '../../protocol/index.ts';
import type { OpenPrompt } from '../prompts/prompt.ts';
import type { PromptRenderer } from '../prompts/renderer.ts';
import { isSameTemplate, type RowTemplate, wholeOf } from '../prompts/row-template.ts';
import { answer } from './answer.ts';
import type { Predictor } from './predictor.ts';
import { type PromptModel, type Rendered, refuseEmpty, renderRow } from './prompt-model.ts';
import { type LabelScores, scoreAtMask, scoreContinuations } from './verbalizer.ts';
import type { Writer } from './writer.ts';

/** A model that templates are answered by; it is loaded when it is first asked. */
export interface Asked {
  model: PromptModel;
  writer: () => Promise<Writer>;
  predictor: () => Promise<Predictor>;
}

export interface RunRequest {
  renderer: PromptRenderer;
  settings?: GenerationSettings | undefined;
  onText?: ((text: string, tokens: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

type Said = Pick<PromptAnswer, 'answer' | 'tokens' | 'labels' | 'finish_reason' | 'notes'>;

/**
 * Fills an open template for a row and asks a model: one that writes goes on with it, one that classifies or fills in
 * masks says how likely each label is. A template's verbalizer makes labels of words with either.
 * @throws LuthierError as renderRow, `answer`, scoreAtMask and scoreContinuations
 */
export async function runPrompt(
  open: OpenPrompt,
  row: number | null,
  source: Pick<PromptSource, 'values' | 'undefined_is'>,
  asked: Asked,
  request: RunRequest,
): Promise<PromptAnswer> {
  const rendered = await renderRow(open, row, source, { ...request, model: asked.model });
  refuseEmpty(rendered.prompt, row === null ? open.name : `${open.name}, row ${row}`);
  const { settings: own, notes } = settingsOf(open.file.model.options);
  const settings = { ...own, ...request.settings };
  // Only what is computed counts, not the loading of a model.
  const ask =
    asked.model.kind === 'writes'
      ? await writing(open, rendered, asked, { ...request, settings })
      : await labelling(open, rendered, asked, request);
  const start = performance.now();
  const said = await ask();
  const ms = Math.round(performance.now() - start);
  const { prompt, messages, values, warnings } = rendered.prompt;
  return {
    ...{ row, prompt, messages, values, warnings, ms },
    prompt_tokens: rendered.prompt.tokens ?? 0,
    ...said,
    notes: [...(asked.model.kind === 'writes' ? notes : []), ...said.notes],
  };
}

/** What a model answers to a template that it did not learn its rows through is not what its scores were measured on. */
const otherTemplate = ({ name, file, body }: OpenPrompt, learnt: RowTemplate | undefined): string[] =>
  !learnt || [learnt, learnt.asking].some((one) => isSameTemplate({ file, body: body() }, wholeOf(one.text, one.file)))
    ? []
    : [
        `The model learned its rows through another template than ${name === learnt.name ? 'this one' : name}: its own is ${learnt.name} in its folder.`,
      ];

async function writing(
  open: OpenPrompt,
  { prompt, read }: Rendered,
  asked: Asked,
  { settings = {}, onText, signal }: RunRequest,
): Promise<() => Promise<Said>> {
  const { verbalizer } = open.file;
  const writer = await asked.writer();
  const other = otherTemplate(open, writer.template);
  const { text, ids, as } = read!;
  if (verbalizer) return async () => saidOf(await scoreContinuations(writer, { ids, text }, verbalizer, signal), other);
  const request = { settings, onText, signal };
  if (as !== 'begun') {
    return async () => writtenOf(await answer(writer, as === 'text' ? text : prompt.messages, request), other);
  }
  return async () => {
    const written = await writer.write(ids, { ...request, ends: asked.model.chat().turnEnds(), text });
    return writtenOf({ ...written, notes: [] }, other);
  };
}

const writtenOf = (
  { generated_text, token_ids, finish_reason, notes }: Omit<Answered, 'left_out'>,
  before: string[],
): Said => ({
  ...{ answer: generated_text, tokens: token_ids.length, finish_reason, notes: [...before, ...notes] },
});

async function labelling(
  open: OpenPrompt,
  { read }: Rendered,
  asked: Asked,
  { signal }: RunRequest,
): Promise<() => Promise<Said>> {
  const { verbalizer } = open.file;
  const predictor = await asked.predictor();
  const { text } = read!;
  const notes = otherTemplate(open, predictor.template);
  if (verbalizer && asked.model.kind === 'fills')
    return async () => saidOf(await scoreAtMask(predictor, text, verbalizer, signal), notes);
  if (verbalizer) notes.push('The model names its own classes, so the template’s verbalizer counts for nothing.');
  return async () => {
    const [prediction] = await predictor.answer([text], undefined, signal);
    const labels = scoresIn(prediction!);
    const { said } = predictor.task.show(prediction!, predictor.labels);
    return { answer: labelIn(prediction!) ?? said, tokens: 0, notes, ...(labels && { labels }) };
  };
}

/** An answer's label, or labels, without their scores: what is kept as an example is compared with what is answered. */
function labelIn(answered: Answer): string | undefined {
  if ('label' in answered) return answered.label;
  return 'labels' in answered && answered.labels.length > 0 ? answered.labels.join(', ') : undefined;
}

/** Probabilities that an answer has: of classes, or of the words for its first mask. */
function scoresIn(answered: Answer): { label: string; score: number }[] | undefined {
  if ('predictions' in answered)
    return maskFills(answered)[0]?.map(({ token_str, score }) => ({ label: token_str.trim(), score }));
  return 'scores' in answered ? labelsOf(answered.scores) : undefined;
}

const labelsOf = (scores: Readonly<Record<string, number>>): { label: string; score: number }[] =>
  Object.entries(scores)
    .map(([label, score]) => ({ label, score }))
    .sort((a, b) => b.score - a.score);

const saidOf = ({ label, scores, notes }: LabelScores, before: string[]): Said => ({
  ...{ answer: label, tokens: 0, labels: labelsOf(scores), notes: [...before, ...notes] },
});

import { isCount, isNumber, isString, nullOr, oneOf, optional, parser, shape } from './check.ts';
import type { Interval } from './evaluation.ts';
import type { Forgetting } from './events.ts';
import { counted, formatPercent, formatShares } from './figures.ts';
import { FORGETTING_HINT, forgetsMuch, forgettingSentence } from './forgetting.ts';
import { formatMetric } from './metrics.ts';
import { isInterval } from './reports.ts';
import { isForgetting } from './run.ts';

/** What suggestions would have saved of typing some lines of held-out files. */
export interface Replay {
  lines: number;
  files: number;
  /** Of these lines, without their indentation. */
  characters: number;
  /** That suggestions would have typed, one key less for each that was accepted. */
  saved: number;
  shown: number;
  accepted: number;
  /** 95 %, of `saved / characters`, over resamples of the lines; null below ten lines. */
  interval: Interval | null;
}

/** How a run's model completes held-out files, beside the model that it began with (`completions.json` of a run). */
export interface CompletionReport {
  format: 1;
  /** ISO 8601. */
  created_at: string;
  /** As the recipe names the base model. */
  base: string;
  split: 'validation' | 'test';
  files: number;
  bits_per_byte: BitsCompared;
  replay: { base: Replay; model: Replay };
  /** By which lines were drawn. */
  seed: number;
  /** Of completions that a person accepted, where the run has learnt others of these: bits a byte of what stands there. */
  accepted?: { rows: number; bits_per_byte: BitsCompared };
  /** What the run has found out of it; absent where it was not measured. */
  forgetting?: Forgetting;
}

export interface BitsCompared {
  base: number;
  model: number;
  /** 95 %, of base − model, over resamples of the files or rows; above 0 the model is better. Null below two. */
  interval: Interval | null;
}

/** Whether it is so beyond chance. */
export const foretellsBetter = ({ interval }: BitsCompared): boolean => interval !== null && interval.low > 0;

/**
 * Whether a model foretells what was held out better than the one before, and not by chance. Where that is files and
 * accepted completions, one of them better and none worse.
 */
export function isBetter({ bits_per_byte, accepted }: Pick<CompletionReport, 'bits_per_byte' | 'accepted'>): boolean {
  if (!accepted) return foretellsBetter(bits_per_byte);
  const both = [bits_per_byte, accepted.bits_per_byte];
  return both.some(foretellsBetter) && both.every(({ base, model }) => model <= base);
}

/**
 * Whether a model may take the place of the one before without being asked for. What is held out is like what was learnt,
 * so it is foretold better even by a model that knows nothing else any more: that one would be worse wherever a person
 * writes of something new. Where nobody has measured what was forgotten, nobody knows that it is little.
 */
export const mayTakeOver = (report: Pick<CompletionReport, 'bits_per_byte' | 'accepted' | 'forgetting'>): boolean =>
  isBetter(report) && report.forgetting !== undefined && !forgetsMuch(report.forgetting);

const bitsText = (bits: number): string => formatMetric('bits_per_byte', bits);

/** Of the characters of the lines, 0 to 1. */
export const savedShare = ({ saved, characters }: Replay): number => (characters === 0 ? 0 : saved / characters);

/** In plain words, a sentence each. @param base as people know the model that it began with */
export function completionReportText(report: CompletionReport, base = report.base): string[] {
  const { bits_per_byte: bits, replay, files, split } = report;
  const { model } = replay;
  const better = foretellsBetter(bits)
    ? 'It foretells them better'
    : bits.model < bits.base
      ? 'It foretells them better, but the difference may be chance'
      : 'It does not foretell them better';
  const between = model.interval ? ` (95 %: ${formatShares(model.interval)})` : '';
  return [
    `On ${counted(files, `${split} file`)} that it has not learned, the model needs ${bitsText(bits.model)} bits a byte; ${base} untouched needs ${bitsText(bits.base)}. ${better}.`,
    `Typing ${counted(model.lines, 'line')} of them again, accepted suggestions would have saved ${formatPercent(savedShare(model))} of the characters${between}; with ${base} untouched, ${formatPercent(savedShare(replay.base))}.`,
    ...(report.accepted ? [acceptedText(report.accepted, base)] : []),
    ...(report.forgetting ? [forgettingSentence(report.forgetting, base)] : []),
  ];
}

const acceptedText = ({ rows, bits_per_byte: bits }: NonNullable<CompletionReport['accepted']>, base: string): string =>
  `Of ${counted(rows, 'completion')} that you accepted and it has not learned, it needs ${bitsText(bits.model)} bits a byte; ${base} untouched, ${bitsText(bits.base)}.`;

/** How an update came out, with all figures of both. @param names as people know the two models */
export function updateText(report: CompletionReport, { model, base }: { model: string; base: string }): string {
  const { bits_per_byte: bits, accepted, files, split, forgetting } = report;
  const figure = ({ base: before, model: after }: BitsCompared, what: string) =>
    `${bitsText(after)} bits a byte for ${what} (${base}: ${bitsText(before)})`;
  const figures = [
    ...(accepted ? [figure(accepted.bits_per_byte, `${counted(accepted.rows, 'completion')} that you accepted`)] : []),
    figure(bits, counted(files, `${split} file`)),
  ];
  const isForgetful = forgetting !== undefined && forgetsMuch(forgetting);
  const verdict = isBetter(report)
    ? `is better than ${base}${isForgetful ? ' only on what is like the texts that it has learned' : ''}`
    : `is not clearly better than ${base}`;
  const kept = forgetting
    ? `${forgettingSentence(forgetting, base)}${isForgetful ? ` ${FORGETTING_HINT}` : ''}`
    : `How much it has forgotten of what ${base} knew was not measured.`;
  return `${model} ${verdict}. It has learned none of what they were compared on, and needs ${figures.join(' and ')}. ${kept}`;
}

const isReplay = shape({
  ...{ lines: isCount, files: isCount, characters: isCount, saved: isCount, shown: isCount, accepted: isCount },
  interval: nullOr(isInterval),
});
const areBits = shape({ base: isNumber, model: isNumber, interval: nullOr(isInterval) });

/** Of what a file has, and what crosses into a page. */
export const isCompletionReport = shape({
  ...{ format: isCount, created_at: isString, base: isString, split: oneOf('validation', 'test'), files: isCount },
  ...{ bits_per_byte: areBits, replay: shape({ base: isReplay, model: isReplay }), seed: isNumber },
  accepted: optional(shape({ rows: isCount, bits_per_byte: areBits })),
  forgetting: optional(isForgetting),
});
export const parseCompletionReport = parser<CompletionReport>(isCompletionReport);

/** How a replay types, for whoever reads its figures. */
export const REPLAY_POLICY =
  'Each line is typed as it stands, with nothing below it; a suggestion is asked for at the beginning of the line and after each word, and accepted whole if it is what stands there. Accepting takes a key.';

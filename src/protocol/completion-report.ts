import type { Interval } from './evaluation.ts';
import { counted } from './figures.ts';

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
}

export interface BitsCompared {
  base: number;
  model: number;
  /** 95 %, of base − model, over resamples of the files or rows; above 0 the model is better. Null below two. */
  interval: Interval | null;
}

/** Whether it is so beyond chance. */
const foretellsBetter = ({ interval }: BitsCompared): boolean => interval !== null && interval.low > 0;

/**
 * Whether a model foretells what was held out better than the one before, and not by chance. Where that is files and
 * accepted completions, one of them better and none worse.
 */
export function isBetter({ bits_per_byte, accepted }: Pick<CompletionReport, 'bits_per_byte' | 'accepted'>): boolean {
  if (!accepted) return foretellsBetter(bits_per_byte);
  const both = [bits_per_byte, accepted.bits_per_byte];
  return both.some(foretellsBetter) && both.every(({ base, model }) => model <= base);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const share = ({ saved, characters }: Replay): number => (characters === 0 ? 0 : saved / characters);

/** In plain words, a sentence each. */
export function completionReportText(report: CompletionReport): string[] {
  const { bits_per_byte: bits, replay, files, split, base } = report;
  const { model } = replay;
  const better = foretellsBetter(bits)
    ? 'It foretells them better'
    : bits.model < bits.base
      ? 'It foretells them better, but the difference may be chance'
      : 'It does not foretell them better';
  const between = model.interval ? ` (95 %: ${percent(model.interval.low)} to ${percent(model.interval.high)})` : '';
  return [
    `On ${counted(files, `${split} file`)} that it has not learned, the model needs ${bits.model.toFixed(2)} bits a byte; ${base} untouched needs ${bits.base.toFixed(2)}. ${better}.`,
    `Typing ${counted(model.lines, 'line')} of them again, accepted suggestions would have saved ${percent(share(model))} of the characters${between}; with ${base} untouched, ${percent(share(replay.base))}.`,
    ...(report.accepted ? [acceptedText(report.accepted, base)] : []),
  ];
}

const acceptedText = ({ rows, bits_per_byte: bits }: NonNullable<CompletionReport['accepted']>, base: string): string =>
  `Of ${counted(rows, 'completion')} that you accepted and it has not learned, it needs ${bits.model.toFixed(2)} bits a byte; ${base} untouched, ${bits.base.toFixed(2)}.`;

/** How an update came out, with both figures. @param names as people know the two models */
export function updateText(report: CompletionReport, { model, base }: { model: string; base: string }): string {
  const { bits_per_byte: bits, accepted, files, split } = report;
  const figure = ({ base: before, model: after }: BitsCompared, what: string) =>
    `${after.toFixed(2)} bits a byte for ${what} (${base}: ${before.toFixed(2)})`;
  const figures = [
    ...(accepted ? [figure(accepted.bits_per_byte, `${counted(accepted.rows, 'completion')} that you accepted`)] : []),
    figure(bits, counted(files, `${split} file`)),
  ];
  const verdict = isBetter(report) ? 'is better than' : 'is not clearly better than';
  return `${model} ${verdict} ${base}. It has learned none of what they were compared on, and needs ${figures.join(' and ')}.`;
}

/** How a replay types, for whoever reads its figures. */
export const REPLAY_POLICY =
  'Each line is typed as it stands, with nothing below it; a suggestion is asked for at the beginning of the line and after each word, and accepted whole if it is what stands there. Accepting takes a key.';

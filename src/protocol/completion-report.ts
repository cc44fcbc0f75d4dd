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
  bits_per_byte: {
    base: number;
    model: number;
    /** 95 %, of base − model, over resamples of the files; above 0 the model is better. Null below two files. */
    interval: Interval | null;
  };
  replay: { base: Replay; model: Replay };
  /** By which lines were drawn. */
  seed: number;
}

/** Whether a model foretells the held-out files better than the one before, and not by chance. */
export const isBetter = ({ bits_per_byte: { interval } }: Pick<CompletionReport, 'bits_per_byte'>): boolean =>
  interval !== null && interval.low > 0;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const share = ({ saved, characters }: Replay): number => (characters === 0 ? 0 : saved / characters);

/** In plain words, a sentence each. */
export function completionReportText(report: CompletionReport): string[] {
  const { bits_per_byte: bits, replay, files, split, base } = report;
  const { model } = replay;
  const better = isBetter(report)
    ? 'It foretells them better'
    : bits.model < bits.base
      ? 'It foretells them better, but the difference may be chance'
      : 'It does not foretell them better';
  const between = model.interval ? ` (95 %: ${percent(model.interval.low)} to ${percent(model.interval.high)})` : '';
  return [
    `On ${counted(files, `${split} file`)} that it has not learned, the model needs ${bits.model.toFixed(2)} bits a byte; ${base} untouched needs ${bits.base.toFixed(2)}. ${better}.`,
    `Typing ${counted(model.lines, 'line')} of them again, accepted suggestions would have saved ${percent(share(model))} of the characters${between}; with ${base} untouched, ${percent(share(replay.base))}.`,
  ];
}

/** How a replay types, for whoever reads its figures. */
export const REPLAY_POLICY =
  'Each line is typed as it stands, with nothing below it; a suggestion is asked for at the beginning of the line and after each word, and accepted whole if it is what stands there. Accepting takes a key.';

/** Figures as people read them in terminal, editor and pages. */

import type { UnknownTokens } from './answers.ts';
import type { BackendStatus, CardLimits } from './backends.ts';
import type { RunEstimate } from './estimate.ts';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size in the unit that suits it; 1 kB is 1,000 bytes, as download sizes and disks are labelled. */
function inByteUnits(bytes: number): { size: number; unit: number } {
  let size = Math.max(0, bytes);
  let unit = 0;
  while (size >= 999.5 && unit < BYTE_UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return { size, unit };
}

const english = (size: number, isWhole: boolean): string =>
  isWhole || size >= 99.95 ? Math.round(size).toString() : size.toFixed(1);

/**
 * `999 B`, `1.4 GB`.
 * @param write the number, where it is not English with one decimal; `isWhole` of bytes
 */
export function formatBytes(bytes: number, write: (size: number, isWhole: boolean) => string = english): string {
  const { size, unit } = inByteUnits(bytes);
  return `${write(size, unit === 0)} ${BYTE_UNITS[unit]}`;
}

/** What a graphics card grants, as far as it tells. */
export function describeLimits({ largest_binding, largest_buffer, storage_buffers, float16 }: CardLimits): string {
  const told = [
    largest_binding === null ? null : `largest binding ${formatBytes(largest_binding)}`,
    largest_buffer === null ? null : `largest buffer ${formatBytes(largest_buffer)}`,
    storage_buffers === null ? null : `${storage_buffers} storage buffers per operation`,
    float16 === null ? null : float16 ? 'float16' : 'no float16',
  ].filter((part) => part !== null);
  return told.length === 0 ? 'its limits are not known' : told.join(', ');
}

/** `Nov 27, 2026, 10:08 PM`, in this machine's time. @param moment as `Date` reads it */
export const formatMoment = (moment: string): string =>
  new Date(moment).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });

/** A rate of matrix products: `1,235 Gflop/s`, `8.3 Gflop/s`. */
export const formatGflops = (gflops: number): string =>
  `${formatCount(gflops < 10 ? Number(gflops.toPrecision(2)) : Math.round(gflops))} Gflop/s`;

/** What `auto` remembers of a backend, a sentence each; none where it remembers nothing. */
export function describeRemembered({ usable, remembered }: Pick<BackendStatus, 'usable' | 'remembered'>): string[] {
  if (!remembered) return [];
  const { measured, failure } = remembered;
  const rates = measured.map(
    ({ models, gflops, at }) => `${formatGflops(gflops)} for models of ${models} (${formatMoment(at)})`,
  );
  const says = rates.length === 0 ? [] : [`auto remembers ${rates.join(', ')}`];
  if (!failure) return says;
  const { since, reason, again } = failure;
  const failed = `auto remembers that it has failed since ${formatMoment(since)} (${reason})`;
  return [
    ...says,
    usable
      ? `${failed}; it works, so that is forgotten now`
      : `${failed} and does not try it before ${formatMoment(again)}, unless the machine is restarted, its driver changes, or luthier backends finds that it works`,
  ];
}

/** `about 1.2 GB of the graphics card’s memory (NVIDIA H200 has 151 GB)` */
export const describeCardNeed = ({ needed_bytes, card }: NonNullable<RunEstimate['card']>): string =>
  `about ${formatBytes(needed_bytes)} of the graphics card’s memory (${
    card ? `${card.name} has ${formatBytes(card.bytes)}` : 'how much it has is not known'
  })`;

/** `12,345` whatever the language, as the interface of terminal and editor is in English. */
export const formatCount = (n: number): string => n.toLocaleString('en');

/**
 * `1 row`, `1,200 rows`.
 * @param write the number, where it is not English
 */
export const counted = (n: number, one: string, many = `${one}s`, write = formatCount): string =>
  `${write(n)} ${n === 1 ? one : many}`;

/** Of an answer to words that its model cannot read: `5 of 7 tokens are unknown to this model`. */
export const unknownTokens = ({ count, of }: UnknownTokens): string =>
  `${formatCount(count)} of ${counted(of, 'token')} ${count === 1 ? 'is' : 'are'} unknown to this model`;

/** A large number in short: `9,858`, `20 k`, `22.7 M`. */
export function formatCompact(n: number): string {
  if (n >= 999_500) return `${(n / 1e6).toFixed(1)} M`;
  return n >= 10_000 ? `${Math.round(n / 1000)} k` : formatCount(n);
}

/** A number of a recipe as it is written there, small ones in e-notation: `2e-5`, `0.03`, `16`. */
export const recipeNumber = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);

/** A number in a language with the options of Intl.NumberFormat. */
export type WriteNumber = (value: number, options: Intl.NumberFormatOptions) => string;

const writeEnglish: WriteNumber = (value, options) => value.toLocaleString('en', options);

/** Exactly so many digits after the point. */
export const formatFixed = (value: number, digits: number, write = writeEnglish): string =>
  write(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });

const ONE_DECIMAL: Intl.NumberFormatOptions = { minimumFractionDigits: 1, maximumFractionDigits: 1 };

/** A share of one as a percentage, with one decimal; figure and unit are set apart, also where the language writes 95%. */
export const formatPercent = (share: number, digits = ONE_DECIMAL, write = writeEnglish): string =>
  write(share, { style: 'percent', useGrouping: false, ...digits }).replace(/(\d)%$/, '$1 %');

/** An interval of a share, its unit said once: `68.3 – 75.1 %`. */
export const formatShares = (
  { low, high }: { readonly low: number; readonly high: number },
  digits = 1,
  write = writeEnglish,
): string => {
  const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${formatFixed(100 * low, digits, write)} – ${formatPercent(high, exactly, write)}`;
};

/** So many significant digits; tiny and huge numbers in e-notation, as learning rates are written. */
export function formatSignificant(value: number, digits = 3, write = writeEnglish): string {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(value)) return write(value, { maximumFractionDigits: 0 });
  if (size >= 1000 && size < 1e6) return write(value, { maximumFractionDigits: 0 });
  if (size >= 1e6 || size < 1e-3) {
    const upTo = (part: number, most: number) => write(part, { maximumSignificantDigits: most, useGrouping: false });
    const [mantissa, exponent] = value.toExponential(digits - 1).split('e');
    return `${upTo(Number(mantissa), digits)}e${upTo(Number(exponent), 3)}`;
  }
  return write(value, { minimumSignificantDigits: digits, maximumSignificantDigits: digits, useGrouping: false });
}

/** By how much a figure grew or fell: `+7.3 %`, `−0.4 %`. */
export function formatChange(before: number, after: number): string {
  const change = Number((100 * (after / before - 1)).toFixed(1));
  return `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(1)} %`;
}

/** Words as a sentence or a table's heading begins with them. */
export const capitalized = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/**
 * What follows a training's last step, where the time left would stand.
 * @param isPart whether further trainings of the same run follow: the model is then written at the end of them all
 */
export function afterLastStep(validationRows: number, isPart: boolean): string {
  if (isPart) return 'evaluating';
  return validationRows > 0 ? 'evaluating, then saving' : 'saving';
}

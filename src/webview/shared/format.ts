import {
  counted,
  formatBytes,
  formatFixed,
  formatPercent,
  formatShares,
  formatSignificant,
} from '../../protocol/figures.ts';
import { formatInterval, formatMetric, METRICS, metricName } from '../../protocol/metrics.ts';
import { pageLanguage, usableLanguage } from './language.ts';

/**
 * Numbers, dates and durations as people read them, in VS Code's display language: the only place in the pages that
 * makes them. What leaves a page (CSV, pictures) has a decimal point: see `inEnglish`, and csv.ts.
 * Every function answers "–" for what is not known.
 */
const NONE = '–';

let language = pageLanguage;
let numbers = new Map<string, Intl.NumberFormat>();

const formatted = (value: number, options: Intl.NumberFormatOptions): string => {
  const key = JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, options);
    numbers.set(key, format);
  }
  return format.format(value);
};

/** From here on everything is written in `tag`'s language, in English where there is no such language. */
export const setLanguage = (tag: string): void => {
  language = usableLanguage(tag);
  numbers = new Map();
};

/** What `work` writes is English whatever the language of the page: for what leaves it. */
export const inEnglish = <T>(work: () => T): T => {
  const before = { language, numbers };
  setLanguage('en');
  try {
    return work();
  } finally {
    ({ language, numbers } = before);
  }
};

const isKnown = (value: number | null | undefined): value is number => value != null && Number.isFinite(value);

const INTEGER: Intl.NumberFormatOptions = { maximumFractionDigits: 0 };

export const count = (value: number | null | undefined): string => (isKnown(value) ? formatted(value, INTEGER) : NONE);

/** Exactly this many decimals. */
export const fixed = (value: number, digits: number): string => formatFixed(value, digits, formatted);

/** At most this many significant digits, no needless noughts. */
const upTo = (value: number, digits: number): string =>
  formatted(value, { maximumSignificantDigits: digits, useGrouping: false });

/** Three significant digits; tiny and huge ones in e-notation, as learning rates are written. */
export const significant = (value: number | null | undefined, digits = 3): string =>
  isKnown(value) ? formatSignificant(value, digits, formatted) : NONE;

/** A large number in short: "22.7 M", "20 k". */
export const compact = (value: number): string =>
  value >= 999_500 ? `${fixed(value / 1e6, 1)} M` : value >= 10_000 ? `${count(value / 1000)} k` : count(value);

/** A language by its name, where the code is one that has a name. */
export const languageName = (code: string): string => {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
};

/** A share of one as a percentage with one decimal, or as many as are given. */
export const percent = (value: number | null | undefined, digits = 1): string =>
  isKnown(value)
    ? formatPercent(value, { minimumFractionDigits: digits, maximumFractionDigits: digits }, formatted)
    : NONE;

/** An interval of a share, its unit said once. */
export const shares = (range: { low: number; high: number }, digits = 1): string =>
  formatShares(range, digits, formatted);

/** The same with at most four significant digits, for axes. */
export const percentTick = (value: number): string => formatPercent(value, { maximumSignificantDigits: 4 }, formatted);

/** Bytes in decimal units, three significant digits. */
export const bytes = (value: number | null | undefined): string =>
  isKnown(value) ? formatBytes(value, (size, isWhole) => (isWhole ? count(size) : significant(size))) : NONE;

/** The same without needless noughts, for axes. */
export const bytesTick = (value: number): string => formatBytes(value, (size) => upTo(size, 3));

/** A number for an axis: 12,000 as 12k, for there is little room. */
export const tick = (value: number, digits = 4): string => {
  const size = Math.abs(value);
  if (size >= 1e9) return significant(value);
  if (size >= 1e6) return `${upTo(value / 1e6, 3)}M`;
  if (size >= 1e4) return `${upTo(value / 1e3, 3)}k`;
  return size > 0 && size < 1e-3 ? significant(value) : upTo(value, digits);
};

/** Seconds as the two largest units: "1 h 5 min", "40 s". The units are SI's, the same in every language. */
export const duration = (seconds: number | null | undefined): string => {
  if (!isKnown(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${count(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60)
    return s % 60 === 0 || minutes >= 10 ? `${count(minutes)} min` : `${count(minutes)} min ${count(s % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${count(hours)} h` : `${count(hours)} h ${count(minutes % 60)} min`;
  return `${count(Math.floor(hours / 24))} d ${count(hours % 24)} h`;
};

/** Milliseconds of a step: from ten seconds on in seconds. */
export const milliseconds = (value: number | null | undefined): string =>
  isKnown(value) && value >= 10_000 ? `${significant(value / 1000)} s` : `${significant(value)} ms`;

/** Time of day of a time in seconds since the epoch. */
export const clock = (time: number): string =>
  new Date(time * 1000).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Day and time of a date as ISO 8601 writes it; the text itself where it is none. */
export const day = (iso: string): string => {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
};

/** The same in a table: the time of this year's, the year of others. */
export const shortDay = (iso: string, now = new Date()): string => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const isThisYear = date.getFullYear() === now.getFullYear();
  return date.toLocaleString(language, {
    ...{ month: 'short', day: 'numeric' },
    ...(isThisYear ? { hour: 'numeric', minute: '2-digit' } : { year: 'numeric' }),
  });
};

export const plural = (n: number, one: string, many?: string): string => counted(n, one, many, count);

/** At most two decimals, none that are nought. */
export const short = (value: number): string => formatted(value, { maximumFractionDigits: 2, useGrouping: false });

/** A word of the tables of words (protocol/states.ts, metrics.ts) where it begins a line. */
export const capital = (word: string): string => word.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());

/** The words shown for a metric, in the order in which metrics are listed. */
export const METRIC_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  METRICS.map(({ key, name }) => [key, capital(name)]),
);

/** A metric's words inside a sentence. */
export const metricInText = metricName;

/** Shares are percentages; losses, MCC and correlations are figures. */
export const metric = (key: string, value: number | null | undefined): string =>
  isKnown(value) ? formatMetric(key, value, formatted) : NONE;

/** An interval of a metric, its unit said once. */
export const interval = (key: string, range: { low: number; high: number }): string =>
  formatInterval(key, range, formatted);

/** Numbers as people read them. Every function answers "–" for what is not known. */
const NONE = '–';

const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = (value: number | null | undefined): string =>
  value == null || !Number.isFinite(value) ? NONE : integer.format(value);

/** Three significant digits; tiny and huge ones in e-notation, as learning rates are written. */
export const significant = (value: number | null | undefined, digits = 3): string => {
  if (value == null || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1000 && size < 1e6) return integer.format(value);
  if (size >= 1e6 || size < 1e-3)
    return value
      .toExponential(digits - 1)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  return value.toPrecision(digits);
};

/** A share of one as a percentage with one decimal. */
export const percent = (value: number | null | undefined): string =>
  value == null || !Number.isFinite(value) ? NONE : `${(100 * value).toFixed(1)} %`;

export const bytes = (value: number | null | undefined): string => {
  if (value == null || !Number.isFinite(value)) return NONE;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? integer.format(size) : size.toPrecision(3)} ${units[unit]}`;
};

/** Seconds as the two largest units: "1 h 5 min", "40 s". */
export const duration = (seconds: number | null | undefined): string => {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return s % 60 === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${s % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
};

/** Time of day of a time in seconds since the epoch. */
export const clock = (time: number): string =>
  new Date(time * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** At most two decimals, none that are nought. */
export const short = (value: number): string => String(+value.toFixed(2));

/** The words shown for a metric. */
export const METRIC_NAMES: Readonly<Record<string, string>> = {
  loss: 'Loss',
  accuracy: 'Accuracy',
  f1_macro: 'Macro F1',
  f1_weighted: 'Weighted F1',
  mcc: 'MCC',
  ece: 'Calibration error',
};

/** A metric's words inside a sentence; abbreviations stay as they are. */
export const metricInText = (key: string): string =>
  (METRIC_NAMES[key] ?? key).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());

/** Losses are figures, the rest are shares; MCC runs from -1 to 1 and stays a figure. */
export const metric = (key: string, value: number | null | undefined): string =>
  key === 'loss' || key === 'mcc' ? significant(value) : percent(value);

/** An interval of a metric, its unit said once. */
export const interval = (key: string, { low, high }: { low: number; high: number }): string =>
  `${metric(key, low).replace(/ %$/, '')} – ${metric(key, high)}`;

/** One measured point, and what the arithmetic alone would take. */
export interface PlotPoint {
  value: number;
  ms: number;
  limit_ms: number;
  bytes: number;
}

export interface Plot {
  title: string;
  /** Of the horizontal axis. */
  label: string;
  /** What takes the time. */
  of: string;
  points: readonly PlotPoint[];
  machine: string;
}

const WIDTH = 720;
const HEIGHT = 300;
const PANEL = { width: 270, height: 190, top: 62 };
const TEXT = '#808080';
const MEASURED = '#2f81f7';
const LIMIT = '#d29922';

interface Line {
  values: readonly number[];
  colour: string;
  dashed?: true;
}

/** Time beside the arithmetic's, and memory, as an SVG that reads on light and on dark ground. */
export function drawPlot({ title, label, of, points, machine }: Plot): string {
  const at = points.map(({ value }) => value);
  const time: Line[] = [
    { values: points.map(({ ms }) => ms), colour: MEASURED },
    { values: points.map(({ limit_ms }) => limit_ms), colour: LIMIT, dashed: true },
  ];
  const memory: Line[] = [{ values: points.map(({ bytes }) => bytes / 1e9), colour: MEASURED }];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="11" fill="${TEXT}" role="img">`,
    `<title>${escaped(title)}</title>`,
    text(16, 22, title, 'font-size="14" font-weight="600"'),
    text(16, HEIGHT - 8, machine),
    panel(62, `ms a ${of}`, label, at, time),
    panel(418, 'peak memory, GB', label, at, memory),
    `<path d="M470 18h22" stroke="${MEASURED}" stroke-width="2"/>`,
    text(498, 22, 'measured'),
    `<path d="M566 18h22" stroke="${LIMIT}" stroke-width="2" stroke-dasharray="5 4"/>`,
    text(594, 22, 'arithmetic alone'),
    '</svg>',
    '',
  ].join('\n');
}

function panel(left: number, what: string, label: string, at: readonly number[], lines: readonly Line[]): string {
  const { width, height, top } = PANEL;
  const right = Math.max(...at);
  const step = niceStep(Math.max(...lines.flatMap(({ values }) => values)) / 4);
  const high = step * Math.ceil(Math.max(...lines.flatMap(({ values }) => values)) / step);
  const x = (value: number) => left + (value / right) * width;
  const y = (value: number) => top + height - (value / high) * height;
  const parts = [text(left, top - 12, what)];
  for (let value = 0; value <= high * 1.001; value += step) {
    parts.push(`<path d="M${left} ${round(y(value))}h${width}" stroke="${TEXT}" stroke-opacity="0.25"/>`);
    parts.push(text(left - 6, y(value) + 4, number(value), 'text-anchor="end"'));
  }
  let free = Number.NEGATIVE_INFINITY;
  for (const value of at) {
    // A number that would touch the one before it is left out.
    if (x(value) < free) continue;
    parts.push(text(x(value), top + height + 16, number(value), 'text-anchor="middle"'));
    free = x(value) + 34;
  }
  parts.push(text(left + width / 2, top + height + 32, label, 'text-anchor="middle"'));
  for (const { values, colour, dashed } of lines) {
    const path = values.map((value, i) => `${i ? 'L' : 'M'}${round(x(at[i]!))} ${round(y(value))}`).join('');
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`);
    if (dashed) continue;
    for (const [i, value] of values.entries())
      parts.push(`<circle cx="${round(x(at[i]!))}" cy="${round(y(value))}" r="3" fill="${colour}"/>`);
  }
  return parts.join('\n');
}

/** 1, 2 or 5 times a power of ten, at least as large as asked for. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= atLeast) ?? 10);
}

const round = (value: number) => Number(value.toFixed(1));
const number = (value: number) => Number(value.toPrecision(6)).toLocaleString('en-US');
const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped(content)}</text>`;
const escaped = (content: string) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

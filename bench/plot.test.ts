import { describe, expect, it } from 'vitest';
import { drawPlot } from './plot.ts';

const points = [128, 1024, 4096].map((value) => ({ value, ms: value / 2, limit_ms: value / 3, bytes: value * 5e5 }));

describe('drawPlot', () => {
  const svg = drawPlot({ title: 'Tokens <a batch>', label: 'tokens', of: 'step', points, machine: 'A & B' });

  it('draws a point for each measure of time and of memory, and the limit beside the time', () => {
    expect(svg.match(/<circle/g)).toHaveLength(2 * points.length);
    expect(svg.match(/fill="none" stroke="#\w+" stroke-width="2" stroke-dasharray/g)).toHaveLength(1);
    expect(svg).toContain('>4,096<');
    expect(svg).not.toContain('NaN');
  });

  it('escapes what it is given', () => {
    expect(svg).toContain('Tokens &lt;a batch>');
    expect(svg).toContain('A &amp; B');
  });
});

import { expect, test } from 'vitest';
import { saysOfFewerBits } from './comparison.ts';
import { inFewerBits } from './fewer-bits.ts';
import { findingsOf } from './findings.ts';

test('what a run says of figures in fewer bits is a finding like any other', () => {
  for (const bits of [4, 8]) {
    const finding = inFewerBits(bits);
    expect(findingsOf({ findings: [JSON.parse(JSON.stringify(finding))] })).toEqual([finding]);
    expect(`${finding.title}. ${finding.text}`.match(/\d/g)).toEqual([String(bits), String(bits)]);
  }
});

test('a comparison names the candidates whose figures were computed in fewer bits', () => {
  const result = {
    ...{ value: 1, low: null, high: null, n: 9, majority: null, wall_s: 1 },
    ...{ peak_rss_bytes: 1, model_bytes: 1, adapter_bytes: null, stopped: false },
  };
  const recipe = { model: 'm', dataset: 'd.csv' };
  const way = (strategy: string, frozen_bits?: number) => ({
    ...{ strategy, model: 'm', recipe },
    result: { ...result, ...(frozen_bits && { frozen_bits }) },
  });
  const says = (...candidates: Parameters<typeof saysOfFewerBits>[0]['candidates']) =>
    saysOfFewerBits({ compared: 'ways', candidates }).map((text) => text.slice(0, text.indexOf(';')));
  const left = { strategy: 'freeze', model: 'm', recipe, result: null };
  expect(says(way('full'), way('lora'), left)).toEqual([]);
  expect(says(way('full'), way('lora', 8), way('prompt-tuning', 8), left)).toEqual([
    'The figures of lora and prompt-tuning were computed with frozen layers in 8 bits',
  ]);
  expect(says(way('lora', 8), way('prompt-tuning', 8), left)).toEqual([
    'The figures of this comparison were computed with frozen layers in 8 bits',
  ]);
  expect(says(way('lora', 8), way('prompt-tuning', 4))).toEqual([
    'The figures of lora were computed with frozen layers in 8 bits',
    'The figures of prompt-tuning were computed with frozen layers in 4 bits',
  ]);
  const in4Bits = (candidate: ReturnType<typeof way>) => ({
    ...{ ...candidate, recipe: { ...recipe, strategy: { type: 'lora' as const, load_in_4bit: true } } },
  });
  expect(says(way('full'), in4Bits(way('lora', 4)))).toEqual([
    'The figures of lora were computed with frozen layers in 4 bits',
  ]);
  const asked = [way('full'), in4Bits(way('lora')), { ...in4Bits(way('freeze')), result: null }];
  expect(saysOfFewerBits({ compared: 'ways', candidates: asked })).toEqual([
    'In spite of load_in_4bit, the frozen layers of lora were computed in float: 4 bits are for a graphics card and the layers of a decoder.',
  ]);
});

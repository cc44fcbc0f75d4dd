import { describe, expect, it } from 'vitest';
import { dominantScript, unknownWarning } from './unknown.ts';

describe('unknownWarning', () => {
  it('is silent at 5 % and below, and for no share at all', () => {
    expect(unknownWarning(0, '中文')).toBeNull();
    expect(unknownWarning(0.05, '中文')).toBeNull();
    expect(unknownWarning(Number.NaN, '中文')).toBeNull();
  });

  it.each([
    ['今天天气很好，我们去公园吧', 'Chinese', 'bert-base-chinese'],
    ['今日は天気がいいので公園に行きましょう', 'Japanese', 'bert-base-multilingual-cased'],
    ['오늘은 날씨가 좋아요', 'Korean', 'bert-base-multilingual-cased'],
    ['Сегодня хорошая погода', 'in Cyrillic script', 'bert-base-multilingual-cased'],
    ['नमस्ते दुनिया', 'in an Indic script', 'bert-base-multilingual-cased'],
    ['👍👍👍', 'cannot tell them apart', 'bert-base-uncased'],
    ['Příliš žluťoučký kůň', 'cannot tell them apart', 'bert-base-multilingual-cased'],
  ])('names a model that fits %s', (text, what, model) => {
    const warning = unknownWarning(0.634, text);
    expect(warning).toContain('63.4 % of the text');
    expect(warning).toContain(what);
    expect(warning).toContain(model);
  });

  it('goes by the script of most letters', () => {
    expect(dominantScript('OK 这是一个中文句子 yes')).toBe('Chinese');
    expect(dominantScript('123 !?')).toBeNull();
    expect(dominantScript('ᚠᚢᚦ')).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { languageNames, languageProblem } from './language.ts';

const ENGLISH = 'The parcel came a day early, and it works.';
const CHINESE = '今天天气很好，我们去公园吧';
const JAPANESE = '今日は天気がいいので公園に行きましょう';
const RUSSIAN = 'Сегодня хорошая погода';
const GERMAN = 'Das Paket kam einen Tag früher.';

describe('languageProblem', () => {
  it.each([
    ['en', ENGLISH],
    ['en', GERMAN],
    ['zh', CHINESE],
    ['zh-Hant', CHINESE],
    ['ja', JAPANESE],
    ['ja', '東京都庁'],
    ['ru', RUSSIAN],
    ['sr', RUSSIAN],
    ['multilingual', CHINESE],
    ['ko', '오늘은 날씨가 좋아요'],
    ['hi', 'नमस्ते दुनिया'],
    ['en', '12345 !? 👍'],
  ])('a model for %s is right for %s', (code, text) => {
    expect(languageProblem([code], [text], 0)).toBeNull();
  });

  it.each([
    [
      ['en'],
      CHINESE,
      'The texts are Chinese, but this model is for English. A suitable model: "google-bert/bert-base-chinese"',
    ],
    [
      ['en', 'de'],
      RUSSIAN,
      'The texts are in Cyrillic script, but this model is for English and German. A suitable model: "google-bert/bert-base-multilingual-cased"',
    ],
    [['en'], JAPANESE, 'The texts are Japanese'],
    [
      ['zh'],
      ENGLISH,
      'The texts are in Latin script, but this model is for Chinese. A suitable model: "google-bert/bert-base-multilingual-cased", or for English "google-bert/bert-base-uncased"',
    ],
  ])('a model for %j is not for %s', (codes, text, message) => {
    expect(languageProblem(codes, [text, text], 0)).toMatchObject({
      ...{ severity: 'warning', code: 'language-mismatch' },
      message: expect.stringContaining(message),
    });
  });

  it('texts of another language in the same script are told by their frequent words, with what to do', () => {
    const rows = [
      'Meine Bestellung ist noch nicht angekommen, und ich möchte wissen, wo sie ist.',
      'Die Rechnung wurde mit der falschen Karte bezahlt, wie kann ich das ändern?',
      'Der Kundendienst war freundlich, aber wir haben auch lange gewartet.',
      'Das Gerät wird heiß, und ich möchte es nicht mehr.',
      'Ich habe eine Frage zu dem Abo: wird es von sich aus verlängert?',
    ];
    expect(languageProblem(['en'], rows, 0)).toMatchObject({
      ...{ severity: 'warning', code: 'language-mismatch' },
      message: expect.stringMatching(
        /^The texts seem to be German \(\d\d\.\d % of their words are frequent in German, and \d\.\d % in English\), but this model is for English\. A model for many languages: "google-bert\/bert-base-multilingual-cased" \(luthier models download /,
      ),
    });
    expect(languageProblem(['de'], rows, 0)).toBeNull();
    expect(languageProblem(null, rows, 0)).toBeNull();
  });

  it('goes by most texts, and by the unknown pieces where no language is known', () => {
    expect(languageProblem(['en'], [ENGLISH, ENGLISH, CHINESE], 0)).toBeNull();
    expect(languageProblem(['en'], [ENGLISH, CHINESE.repeat(8)], 0)?.code).toBe('language-mismatch');
    expect(languageProblem(null, [CHINESE], 0.01)).toBeNull();
    expect(languageProblem(null, [CHINESE], 0.5)?.code).toBe('unknown-tokens');
    expect(languageProblem(null, [CHINESE], 0.5)?.message).toMatch(
      /50\.0 % of the texts’ tokens are unknown.*bert-base-chinese/,
    );
    expect(languageProblem(['en'], [GERMAN], 0.2)?.message).toMatch(/20\.0 % of the texts’ tokens/);
    expect(languageProblem(['xx-nonsense-q'], [CHINESE], 0)).toBeNull();
    expect(languageProblem(['en'], [], 0)).toBeNull();
  });
});

it('languageNames', () => {
  expect(languageNames(['en'])).toBe('English');
  expect(languageNames(['en', 'de', 'no'])).toBe('English, German and Norwegian');
  expect(languageNames(['en', 'de', 'fr', 'it'])).toBe('English, German and 2 more languages');
  expect(languageNames(['multilingual'])).toBe('many languages');
});

import type { TagPrediction, TagReport } from '../../../protocol/index.ts';
import { classDifferences } from '../differences.ts';
import { classLoss } from '../loss.ts';
import type { Task } from '../task.ts';
import { entitiesOf, showEntities } from './decode.ts';
import { encodeSentences, encodeTexts, type TaggedItem, tellLong } from './encode.ts';
import { formatTags } from './format.ts';
import { pooledTags, tagReport } from './report.ts';
import { type Sentence, TAGGED } from './rows.ts';
import { spansOf } from './spans.ts';

/** A tag for each word: names, parts of speech. */
export const tokenClassification: Task<Sentence, TaggedItem, TagPrediction, TagReport> = {
  ...TAGGED,
  reads: 'all',
  measures: 'logits',
  inputs: () => ['tokens'],
  encode: encodeSentences,
  loss: classLoss,
  tellLong,
  prepare: encodeTexts,
  decode: entitiesOf,
  show: showEntities,
  compare: (items, a, b, { labels }) => classDifferences(items, a, b, labels),
  evaluate: tagReport,
  classesIn: ({ tags }, labels) => spansOf(Array.from(tags, (tag) => labels[tag]!)).map(({ type }) => type),
  pool: pooledTags,
  format: formatTags,
  save: {
    config: {},
    peft: 'TOKEN_CLS',
    pipeline: 'token-classification',
    noun: 'token classifier',
    does: (labels) => `gives each word one of ${labels} tags`,
    autoModel: 'TokenClassification',
  },
};

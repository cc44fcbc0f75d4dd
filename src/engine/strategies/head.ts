import { z } from 'zod';
import { label_templates, type StrategyKind, suggestedTemplates, WrongKey } from './kind.ts';

const schema = z.strictObject({
  type: z
    .literal('head')
    .describe("Train only the pooler and the classifier; the encoder's output is computed only once."),
  solver: z
    .enum(['lbfgs', 'adamw'])
    .exactOptional()
    .describe(
      'lbfgs: the classifier is solved to its end, as scikit-learn’s LogisticRegression is, with its regularisation C chosen by cross-validation on the training rows. adamw (if left out): pooler and classifier are trained step by step, by learning_rate, epochs and the other keys.',
    ),
  label_templates,
});

export const head: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Train the classifier only',
  detail: () => 'Everything else is computed once and reused. By far the fastest, the least accurate.',
  // Of a head that reads every token there is nothing to solve: it would be one problem of all tokens.
  suggest: (facts, rows) => ({
    type: 'head',
    ...(!facts.readsEveryToken && { solver: 'lbfgs' as const, ...suggestedTemplates(facts, rows) }),
  }),
  needsClassifier: true,
  embeds: ({ solver }) => solver === 'lbfgs',
  isSolved: ({ solver }) => solver === 'lbfgs',
  // The rate of peft's examples: a lone classifier starts from nothing.
  learningRate: () => 1e-3,
  trained({ solver }, { answers, readsEveryToken, hasOwnHead }) {
    if (solver !== 'lbfgs') return ({ place }) => place === 'head';
    if (readsEveryToken && !hasOwnHead)
      throw new WrongKey(
        'solver',
        'strategy.solver is "lbfgs", but what is learned here reads every token by itself, and lbfgs solves a classifier of whole texts.',
        'Remove solver: the head is then trained by AdamW.',
        'adamw',
      );
    return ({ name }) => answers.includes(name);
  },
};

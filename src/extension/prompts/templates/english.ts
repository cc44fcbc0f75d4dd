import type { KindId, KindWords } from './kinds.ts';

export const english: Readonly<Record<KindId, KindWords>> = {
  classification: {
    prefix: ['classification'],
    title: 'Classify a text',
    description: 'Gives a text one of a few labels',
    examples: { text: 'My card was charged two times.' },
    labelLine: '- ‹label›',
    slots: { labels: '- billing\n- delivery\n- other' },
    body: `system:
Sort the text into exactly one of these categories:
‹labels›
Answer with the category alone, spelled as above, and nothing else.

user:
Text: {{ ‹text› }}
Category:`,
  },
  extraction: {
    prefix: ['extraction', 'json'],
    title: 'Extract facts as JSON',
    description: 'Takes facts out of a text and writes them as one JSON object',
    examples: { text: 'Ada Lovelace ordered two lamps on 3 May 2026.' },
    slots: { facts: '{"name": "full name", "item": "what was ordered", "count": 1, "date": "YYYY-MM-DD"}' },
    body: `system:
Extract these facts from the text:
‹facts›
Answer with one JSON object that has exactly these keys, and no words around it.
Write null for what the text does not say. Do not guess.

user:
{{ ‹text› }}`,
  },
  answering: {
    prefix: ['question-answering', 'answering'],
    title: 'Answer from a context',
    description: 'Answers a question with what a text says, and nothing else',
    examples: {
      context: 'The workshop opens at nine. On Sundays it is closed.',
      question: 'When does the workshop open?',
    },
    slots: { unknown: 'The text does not say.' },
    body: `system:
Answer the question with what the context says, in one or two sentences.
If the answer is not in the context, write: ‹unknown›

user:
Context:
{{ ‹context› }}

Question: {{ ‹question› }}`,
  },
  summarisation: {
    prefix: ['summarisation', 'summary'],
    title: 'Summarise a text',
    description: 'Says in a few sentences what a text says',
    examples: { text: 'The council met on Monday. It voted for the new bridge, which opens in 2028.' },
    slots: { length: 'two sentences' },
    body: `system:
Summarise the text in ‹length›, for readers who have not seen it.
Keep names, numbers and dates as they are. Add nothing that the text does not say.

user:
{{ ‹text› }}`,
  },
  dialogue: {
    prefix: ['dialogue', 'chat'],
    title: 'Answer in a role',
    description: 'Says who the model is and how it answers, then asks it',
    examples: { question: 'How do I tune the lowest string?' },
    slots: {
      who: 'a patient teacher who repairs violins',
      manner: 'Answer in at most three sentences, in plain words.',
      doubt: 'If you are not sure, say so, and ask one question.',
    },
    body: `system:
You are ‹who›.
- ‹manner›
- ‹doubt›

user:
{{ ‹question› }}`,
  },
  'few-shot': {
    prefix: ['few-shot'],
    title: 'Learn from examples',
    description: 'Shows the model a few solved examples before the one to solve',
    examples: { text: 'The strings broke after a day.' },
    slots: {
      instruction: 'Say whether the customer is content: yes, no or unclear.',
      first: 'Best bow I ever had!',
      firstAnswer: 'yes',
      second: 'It arrived on Tuesday.',
      secondAnswer: 'unclear',
    },
    labelLine: '- ‹label›',
    drawn: `system:
Answer as in the examples, with one of these labels and nothing else:
‹labels›

{% for example in examples %}
user:
{{ ‹exampleText› }}

assistant:
{{ ‹exampleAnswer› }}

{% endfor %}
user:
{{ ‹text› }}`,
    body: `system:
‹instruction›

user:
‹first›

assistant:
‹firstAnswer›

user:
‹second›

assistant:
‹secondAnswer›

user:
{{ ‹text› }}`,
  },
  'chain-of-thought': {
    prefix: ['chain-of-thought', 'steps'],
    title: 'Think step by step',
    description: 'Has the model write its steps before the answer',
    examples: { question: 'A set has 4 strings. How many sets are 30 strings?' },
    slots: { answer: 'Answer:' },
    body: `system:
Solve the problem step by step.
Write each step on a line of its own, and check the result once.
End with a line that begins with “‹answer›” and has the result alone.

user:
{{ ‹question› }}`,
  },
  rewriting: {
    prefix: ['rewriting', 'rewrite'],
    title: 'Rewrite a text',
    description: 'Says the same in another manner',
    examples: { text: 'Your order is late because we forgot it.' },
    slots: { manner: 'politely, in short sentences' },
    body: `system:
Rewrite the text ‹manner›.
Keep its meaning, its names and its numbers. Write the new text alone.

user:
{{ ‹text› }}`,
  },
  'labelling-guide': {
    prefix: ['labelling-guide', 'guide'],
    title: 'Label by a guide',
    description: 'Labels a text by the guide that people who label data would get',
    examples: { text: 'When will I get my money back?' },
    labelLine: '- ‹label›: what belongs to it, and what does not',
    slots: {
      guide: '- billing: charges, refunds and invoices\n- delivery: where a parcel is, and damage on its way',
      border: 'A refund for a damaged parcel is “billing”: the money is what is asked for.',
    },
    body: `system:
You label texts for a dataset, by this guide.

Labels:
‹guide›

Rules:
1. Choose the label of what the writer wants done, not of what is told beside it.
2. Borderline cases: ‹border›
3. Where no label fits, or the text cannot be understood, answer “unsure”.

Answer with the label alone.

user:
Text: {{ ‹text› }}
Label:`,
  },
  verbalizer: {
    prefix: ['verbalizer', 'verbaliser'],
    title: 'Classify with a masked model',
    description: 'A masked model chooses the word at [MASK]; each word stands for a label',
    examples: { text: 'The sound is warm and clear.' },
    labelLine: '‹label›: ‹label›',
    slots: { words: 'positive: great\nnegative: terrible', sentence: 'It was' },
    body: '{{ ‹text› }} ‹sentence› [MASK].',
  },
  cloze: {
    prefix: ['cloze'],
    title: 'Fill in a blank',
    description: 'A masked model writes the word at [MASK]',
    examples: { city: 'Paris' },
    slots: { sentence: 'is the capital of' },
    body: '{{ ‹city› }} ‹sentence› [MASK].',
  },
};

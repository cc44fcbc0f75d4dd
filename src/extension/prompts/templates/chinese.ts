import type { KindId, KindWords } from './kinds.ts';

export const chinese: Readonly<Record<KindId, KindWords>> = {
  classification: {
    prefix: ['分类', 'zh-classification'],
    title: '文本分类',
    description: '从几个标签中为文本选出一个',
    examples: { text: '我的卡被扣了两次款。' },
    labelLine: '- ‹label›',
    slots: { labels: '- 账单\n- 物流\n- 其他' },
    body: `system:
请把文本归入下列类别中的一类：
‹labels›
只回答类别名称，写法与上面完全一致，不要输出其他内容。

user:
文本：{{ ‹text› }}
类别：`,
  },
  extraction: {
    prefix: ['抽取', 'zh-extraction', 'zh-json'],
    title: '信息抽取（JSON）',
    description: '从文本中抽取信息，输出一个 JSON 对象',
    examples: { text: '李雷于2026年5月3日订购了两盏台灯。' },
    slots: { facts: '{"姓名": "全名", "商品": "订购的商品", "数量": 1, "日期": "YYYY-MM-DD"}' },
    body: `system:
请从文本中抽取以下信息：
‹facts›
只输出一个 JSON 对象，键与上面完全一致，前后不要有任何文字。
文本没有提到的内容填 null，不要猜测。

user:
{{ ‹text› }}`,
  },
  answering: {
    prefix: ['问答', 'zh-question-answering', 'zh-answering'],
    title: '基于材料的问答',
    description: '只根据给定材料回答问题',
    examples: { context: '工坊每天九点开门，周日休息。', question: '工坊几点开门？' },
    slots: { unknown: '材料中没有提到。' },
    body: `system:
请根据材料回答问题，不超过两句话。
如果材料中没有答案，请回答：‹unknown›

user:
材料：
{{ ‹context› }}

问题：{{ ‹question› }}`,
  },
  summarisation: {
    prefix: ['摘要', 'zh-summarisation', 'zh-summary'],
    title: '文本摘要',
    description: '用几句话概括文本的内容',
    examples: { text: '市议会周一开会，通过了新桥方案，大桥将于2028年通车。' },
    slots: { length: '两句话' },
    body: `system:
请用‹length›概括下面的文本，读者没有看过原文。
人名、数字和日期保持原样，不要添加原文没有的内容。

user:
{{ ‹text› }}`,
  },
  dialogue: {
    prefix: ['对话', 'zh-dialogue', 'zh-chat'],
    title: '带角色设定的对话',
    description: '先说明模型的身份和回答方式，再提问',
    examples: { question: '最低的那根弦怎么调音？' },
    slots: {
      who: '一位耐心的提琴维修老师',
      manner: '用通俗的话回答，不超过三句。',
      doubt: '不确定时请直说，并提出一个问题。',
    },
    body: `system:
你是‹who›。
- ‹manner›
- ‹doubt›

user:
{{ ‹question› }}`,
  },
  'few-shot': {
    prefix: ['少样本', 'zh-few-shot'],
    title: '少样本示例',
    description: '先给出几个做好的例子，再给出要解决的问题',
    examples: { text: '琴弦用了一天就断了。' },
    slots: {
      instruction: '判断顾客是否满意，只回答：满意、不满意或不确定。',
      first: '这是我用过的最好的琴弓！',
      firstAnswer: '满意',
      second: '周二到货的。',
      secondAnswer: '不确定',
    },
    labelLine: '- ‹label›',
    drawn: `system:
请按照示例回答，只回答下列标签之一，不要输出其他内容：
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
    prefix: ['思维链', 'zh-chain-of-thought', 'zh-steps'],
    title: '思维链（逐步推理）',
    description: '让模型先写出推理步骤，再给出答案',
    examples: { question: '一套弦有4根，30根弦是几套？' },
    slots: { answer: '答案：' },
    body: `system:
请一步一步地解决问题。
每一步单独写一行，并检查一遍结果。
最后一行以“‹answer›”开头，后面只写结果。

user:
{{ ‹question› }}`,
  },
  rewriting: {
    prefix: ['改写', 'zh-rewriting', 'zh-rewrite'],
    title: '文本改写',
    description: '换一种方式表达同样的意思',
    examples: { text: '你的订单晚了，因为我们忘了。' },
    slots: { manner: '语气礼貌，句子简短' },
    body: `system:
请改写下面的文本，要求：‹manner›。
保留原意、人名和数字，只输出改写后的文本。

user:
{{ ‹text› }}`,
  },
  'labelling-guide': {
    prefix: ['标注指南', 'zh-labelling-guide', 'zh-guide'],
    title: '按标注指南标注',
    description: '按照给标注员的指南为文本打标签',
    examples: { text: '我的钱什么时候能退回来？' },
    labelLine: '- ‹label›：哪些内容属于它，哪些不属于',
    slots: {
      guide: '- 账单：扣款、退款和发票\n- 物流：包裹的位置和运输途中的损坏',
      border: '因包裹损坏要求退款，标“账单”：对方要的是退款。',
    },
    body: `system:
你为数据集标注文本，请遵循以下指南。

标签：
‹guide›

规则：
1. 按作者想解决的事情选标签，而不是按顺带提到的事情。
2. 边界情况：‹border›
3. 没有合适的标签，或文本无法理解时，回答“不确定”。

只回答标签名称。

user:
文本：{{ ‹text› }}
标签：`,
  },
  verbalizer: {
    prefix: ['标签词', 'zh-verbalizer'],
    title: '用掩码模型分类',
    description: '掩码模型在 [MASK] 处选词，每个词对应一个标签',
    examples: { text: '音色温暖而清晰。' },
    labelLine: '‹label›: ‹label›',
    slots: { words: '正面: 好\n负面: 差', sentence: '总的来说很' },
    body: '{{ ‹text› }}‹sentence›[MASK]。',
  },
  cloze: {
    prefix: ['完形填空', 'zh-cloze'],
    title: '完形填空',
    description: '掩码模型写出 [MASK] 处的字词',
    examples: { city: '巴黎' },
    slots: { sentence: '是法国的首' },
    body: '{{ ‹city› }}‹sentence›[MASK]。',
  },
};

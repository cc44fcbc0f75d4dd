import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from './dataset.ts';
import { inspectData } from './inspect.ts';
import { LABELLED } from './labelled.ts';
import { readTable } from './read.ts';
import { linesIn } from './read-lines.ts';
import type { Table } from './table.ts';

/** Kinds of files that people report trouble with, each by files of our own, with the right values. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier field ü-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ofText = (text: string, file = 'rows.csv'): Promise<Table> => readTable({ file, text });

async function ofBytes(bytes: Buffer, name = 'rows.csv', encoding?: string): Promise<Table> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return readTable({ file }, { encoding });
}

const cells = (table: Table) => table.rows.map((row) => row.values);
const codes = (table: Table) =>
  table.problems.map((problem) => `${problem.severity} ${problem.code} ${problem.line ?? '-'}`);
const message = (table: Table, code: string) => table.problems.find((problem) => problem.code === code)?.message;

describe('encodings', () => {
  const TEXTS: [text: string, encodings: string[]][] = [
    [
      'texte;classe\nLe café est arrivé déjà froid;plainte\nTrès bon accueil, merci à l’équipe;éloge\nOù est ma commande passée à Noël;question\n',
      ['mac-roman', 'windows-1252'],
    ],
    [
      'text,klasse\nDie Lieferung kam zu spät an,Beschwerde\nSchöne Grüße aus Köln,Lob\nWann öffnet das Geschäft für Rückgaben,Frage\n',
      ['mac-roman', 'windows-1252', 'cp850'],
    ],
    [
      'text,label\nThe café was nice – “very” good,pos\nI don’t know why it costs €5,neg\n',
      ['windows-1252', 'mac-roman'],
    ],
    [
      'tekst,klasa\nGdzie jest moja przesyłka,pytanie\nPaczka została zgubiona przez kuriera i jest źle,skarga\nProszę o zwrot pieniędzy za zamówienie,płatność\n',
      ['windows-1250', 'iso-8859-2', 'cp852'],
    ],
    [
      'текст,класс\nГде мой заказ,доставка\nПосылка пришла сломанной,доставка\nСписали деньги дважды за один месяц,оплата\n',
      ['windows-1251', 'koi8-r', 'cp866', 'iso-8859-5', 'mac-cyrillic'],
    ],
    [
      'κείμενο,κλάση\nΠού είναι η παραγγελία μου,αποστολή\nΤο πακέτο ήρθε κατεστραμμένο,αποστολή\nΧρεώθηκα δύο φορές αυτόν τον μήνα,πληρωμή\n',
      ['windows-1253'],
    ],
    ['文本,类别\n物流太慢了等了两个星期,物流\n发票抬头写错了,账单\n密码重置邮件一直收不到,登录\n', ['gb18030']],
    ['文本,類別\n物流太慢了等了兩個星期,物流\n發票抬頭寫錯了,帳單\n密碼重設郵件一直收不到,登入\n', ['big5']],
    [
      '本文,分類\n荷物が届かない,配送\n請求金額が間違っている,請求\nパスワードを忘れました,ログイン\n',
      ['shift_jis', 'euc-jp'],
    ],
    [
      '문장,분류\n배송이 너무 늦어요,배송\n이번 달에 돈이 더 나갔어요,결제\n비밀번호를 잊어버렸어요,로그인\n',
      ['euc-kr'],
    ],
    ['נוסח,סוג\nאיפה ההזמנה שלי,משלוח\nהחבילה הגיעה שבורה,משלוח\nחויבתי פעמיים החודש,תשלום\n', ['windows-1255']],
  ];
  const ICONV: Record<string, string> = { 'mac-roman': 'macroman', 'mac-cyrillic': 'maccyrillic' };
  /** iconv-lite has the Mac Roman of before 1998, with a currency sign where the euro stands now. */
  const written = (text: string, encoding: string) =>
    iconv.encode(encoding === 'mac-roman' ? text.replaceAll('€', '¤') : text, ICONV[encoding] ?? encoding);
  const cases = TEXTS.flatMap(([text, encodings]) => encodings.map((encoding) => [encoding, text] as const));

  it.each(cases)('%s is guessed, and a warning shows what it reads', async (encoding, text) => {
    const table = await ofBytes(written(text, encoding));
    const meant = await ofText(text);
    expect(table.encoding).toBe(encoding);
    expect(table.columns).toEqual(meant.columns);
    expect(cells(table)).toEqual(cells(meant));
    expect(table.problems[0]).toMatchObject({ severity: 'warning', code: 'encoding-guessed' });
    const guess = table.encodingGuess!;
    expect(text).toContain(guess.sample.replace(/^…/, ''));
    expect(guess.alternatives.length).toBeGreaterThan(0);
    expect(message(table, 'encoding-guessed')).toContain(`read as ${encoding}: “${guess.sample}” (as `);
    expect(guess.is_sure).toBe(true);
    const told = await ofBytes(written(text, encoding), 'rows.csv', encoding);
    expect(cells(told)).toEqual(cells(meant));
    expect(told.problems.filter((problem) => problem.severity !== 'info')).toEqual([]);
  });

  it('what may as well be another encoding is said to be uncertain', async () => {
    const table = await ofBytes(Buffer.from('text,label\nit costs \xa35,pos\n\xa9 of it,neg\n', 'latin1'));
    expect(table.encodingGuess?.is_sure).toBe(false);
    expect(message(table, 'encoding-guessed')).toContain('which is uncertain');
  });

  it.each([
    ['Latin', 'text,label\nfilm déjà vu,pos\nschön,neg\n'],
    ['Cyrillic', 'текст,метка\nГде мой заказ,доставка\nСписали деньги,оплата\n'],
    ['Greek', 'κείμενο,κλάση\nΠού είναι,αποστολή\nΧρεώθηκα,πληρωμή\n'],
    ['Chinese', '文本,类别\n物流太慢了,物流\n发票抬头写错了,账单\n'],
    ['Korean', '문장,분류\n배송이 너무 늦어요,배송\n돈이 더 나갔어요,결제\n'],
  ])('UTF-16 of either order without a mark: %s', async (_, text) => {
    for (const [encoding, bytes] of [
      ['utf-16le', Buffer.from(text, 'utf16le')],
      ['utf-16be', Buffer.from(text, 'utf16le').swap16()],
    ] as const) {
      const table = await ofBytes(bytes);
      expect(table.encoding).toBe(encoding);
      expect(cells(table)).toEqual(cells(await ofText(text)));
    }
  });

  it('names are taken as people write them, and an unknown one is refused with the nearest', async () => {
    const bytes = iconv.encode('text,label\ncafé,a\nthé,b\n', 'macroman');
    for (const name of ['macroman', 'Mac Roman', 'MACINTOSH', 'mac_roman']) {
      expect(cells(await ofBytes(bytes, 'x.csv', name))[0]).toEqual(['café', 'a']);
    }
    await expect(ofBytes(bytes, 'x.csv', 'windows1253x')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('did you mean “windows-1253”?'),
    });
  });

  it('a mark goes before what was told, and UTF-8 read as something else is said', async () => {
    const marked = await ofBytes(Buffer.from('\ufefftext,label\né,a\nb,c\n'), 'x.csv', 'gbk');
    expect(marked.encoding).toBe('utf-8 with BOM');
    expect(codes(marked)).toEqual(['info encoding-mark -']);
    const told = await ofBytes(Buffer.from('text,label\né,a\nb,c\n'), 'x.csv', 'windows-1252');
    expect(cells(told)[0]).toEqual(['Ã©', 'a']);
    expect(codes(told)).toEqual(['warning encoding-told -']);
  });

  it('letters that the encoding does not have are counted', async () => {
    const table = await ofBytes(Buffer.from('text,label\nok,a\nb\xff\xffd,c\n', 'latin1'), 'x.csv', 'utf-8');
    expect(codes(table)).toEqual(['warning encoding-broken 3']);
    expect(message(table, 'encoding-broken')).toContain('2 bytes or letters');
  });
});

describe('headers that stand again', () => {
  it.each([
    ['in the middle and at the end', 'text,label\na b,x\ntext,label\nc d,y\ntext,label\n', [3, 5]],
    ['with quotes and blanks of its own', 'text,label\na b,x\n"text", label \nc d,y\n', [3]],
    ['behind a byte order mark', 'text,label\na b,x\n\ufefftext,label\nc d,y\n', [3]],
    ['with names that are not usual', 'phrase,verdict\na b,x\nphrase,verdict\nc d,y\n', [3]],
  ])('%s', async (_, text, lines) => {
    const table = await ofText(text);
    expect(table.columns).toHaveLength(2);
    expect(cells(table)).toEqual([
      ['a b', 'x'],
      ['c d', 'y'],
    ]);
    expect(table.problems).toMatchObject([
      {
        severity: 'warning',
        code: 'repeated-header',
        line: lines[0],
        ...(lines.length > 1 && { count: lines.length }),
      },
    ]);
    expect(table.rows.map((row) => row.line)).toEqual([2, 4]);
  });

  it('in a Markdown table, too; rows that come twice are no headers', async () => {
    const markdown = await ofText('|text|label|\n|-|-|\n|a|x|\n|text|label|\n|b|y|\n', 'x.md');
    expect(codes(markdown)).toEqual(['warning repeated-header 4']);
    const twice = await ofText('good film,pos\nbad film,neg\nthe best film,pos\ngood film,pos\n');
    expect(twice.header).toBeUndefined();
    expect(twice.rows).toHaveLength(4);
  });
});

describe('quotes that close by chance', () => {
  it('are characters in tab-separated text', async () => {
    const table = await ofText(
      'text\tlabel\nA plain one\tpos\n"He said and left\tneg\nA third\tpos\nand so it ends"\tpos\nThe last\tneg\n',
      'x.tsv',
    );
    expect(cells(table)).toEqual([
      ['A plain one', 'pos'],
      ['"He said and left', 'neg'],
      ['A third', 'pos'],
      ['and so it ends"', 'pos'],
      ['The last', 'neg'],
    ]);
    expect(codes(table)).toEqual(['info plain-quotes -']);
  });

  it('enclose cells where the writer of the file quotes, even with tabs on each line', async () => {
    const table = await ofText('"text"\t"label"\n"one\tline\nand\tanother"\t"pos"\n"b"\t"neg"\n', 'x.tsv');
    expect(cells(table)[0]).toEqual(['one\tline\nand\tanother', 'pos']);
  });

  it('are named with their cell and lines in CSV', async () => {
    const table = await ofText('label,text\npos,A plain one\nneg,"He said\npos,A third\npos,and so it ends"\nneg,b\n');
    expect(cells(table)).toHaveLength(3);
    expect(codes(table)).toEqual(['warning quotes-span-lines 3']);
    expect(message(table, 'quotes-span-lines')).toContain('The quotes around “text” run from line 3 to line 5');
  });

  it('texts of several lines that look like no rows are read without a word', async () => {
    const table = await ofText('text,label\n"Dear all,\nthis is it\nyours",pos\n"one,\ntwo\nthree",neg\n');
    expect(cells(table).map((row) => row[0])).toEqual(['Dear all,\nthis is it\nyours', 'one,\ntwo\nthree']);
    expect(codes(table)).toEqual([]);
  });
});

describe('quotes escaped by backslashes', () => {
  it('are read as meant, and that is said', async () => {
    const table = await ofText(
      'text,label\n"He said \\"send it back\\", so I did",a\n"C:\\\\data\\\\new, and it fails",b\nplain,a\n"ends with \\"",b\n',
    );
    expect(cells(table).map((row) => row[0])).toEqual([
      'He said "send it back", so I did',
      'C:\\data\\new, and it fails',
      'plain',
      'ends with "',
    ]);
    expect(codes(table)).toEqual(['info backslash-quotes -']);
  });

  it('a backslash before a closing quote is a character where quotes fit', async () => {
    const table = await ofText('text,label\n"C:\\new\\",a\n"say ""hi""",b\n');
    expect(cells(table)).toEqual([
      ['C:\\new\\', 'a'],
      ['say "hi"', 'b'],
    ]);
    expect(codes(table)).toEqual([]);
  });

  it('where neither fits, the error names the cause and the way out', async () => {
    const table = await ofText('text,label\n"say \\"hi\\"",a\n"say "hi"",b\n');
    expect(codes(table)).toEqual(['error broken-quote 2']);
    expect(message(table, 'broken-quote')).toContain('seems to escape quotes with backslashes');
  });
});

describe('JSON', () => {
  it('numbers are what the file says, to the last digit', async () => {
    const text =
      '{"text":"a \\"7\\" b","label":9007199254740993}\n{"text":"b","label":1.0}\n{"text":"c","label":-0}\n{"text":"d","label":1E5, "more":{"n":[1.50]}}\n';
    const lines = await ofText(text, 'x.jsonl');
    expect(lines.rows.map((row) => row.value(1))).toEqual(['9007199254740993', '1.0', '-0', '1E5']);
    expect(lines.rows.at(0)!.value(0)).toBe('a "7" b');
    const array = await ofText(`[${text.trim().split('\n').join(',')}]`, 'x.json');
    expect(cells(array)).toEqual(cells(lines));
  });

  it.each([
    ['{"text":"x","label":NaN}', 'NaN is not JSON; write null'],
    ['{"text":-Infinity,"label":"a"}', '-Infinity is not JSON; write null'],
    ['{"text":undefined,"label":"a"}', 'undefined is not JSON; write null'],
    ['{"text":"x","label":None}', 'json.dumps'],
    ["{'text': 'x', 'label': 'a'}", "' is used where JSON needs a double quote"],
    ['{"text":"x","label":"a",}', 'there is a comma before a closing bracket'],
    ['{"text":"x","label":"a"},', 'a comma follows the object'],
    ['{"text":"x"} {"text":"y"}', 'more than one object'],
    ['{"text":"x\ty","label":"a"}', 'an unescaped tab or other control character'],
    ['{text:"x","label":"a"}', '“text” has no quotes around it'],
    ['{"text":"x","label":"a"', 'is not closed'],
    ['{"text":"x', 'a string is not closed with a quote'],
    ['[1, 2]', 'but a list'],
  ])('what is wrong with a line is named: %s', async (bad, expected) => {
    const good = '{"text":"It is NaN, undefined or None","label":"a"}\n{"text":"b","label":"c"}\n';
    const table = await ofText(`${good}${bad}\n`, 'x.jsonl');
    expect(table.rows).toHaveLength(2);
    expect(table.problems).toHaveLength(1);
    expect(table.problems[0]).toMatchObject({ severity: 'error', line: 3, message: expect.stringContaining(expected) });
  });

  it('two kinds of mistakes are two errors', async () => {
    const table = await ofText('{"a":NaN}\n{"a":1}\n{"a":NaN}\n{"a":None}\n', 'x.jsonl');
    expect(codes(table)).toEqual(['error json-syntax 1', 'error json-syntax 4']);
    expect(table.problems[0]!.message).toContain('on lines 1 and 3: NaN');
  });

  it('elements of an array that cannot be read are named, and the others are read', async () => {
    const table = await ofText('[\n{"text":"a","label":NaN},\n{"text":"b","label":"x"},\n7,\n"c"\n]', 'x.json');
    expect(codes(table)).toEqual(['error json-syntax 2', 'error not-an-object 4']);
    expect(cells(table)).toEqual([['b', 'x']]);
  });

  it.each([
    [
      'x.json',
      '{"text":{"0":"a","1":"b"},"label":{"0":"x","1":"y"}}',
      'looks like the output of df.to_json(), which writes column by column',
    ],
    ['x.json', '{\n "text": {\n "0": "a" },\n "label": {"0": "x"}\n}', 'looks like the output of df.to_json(), which'],
    ['x.json', '{"columns":["text","label"],"index":[0],"data":[["a","x"]]}', 'orient="split"'],
    ['x.json', '{"schema":{"fields":[]},"data":[{"text":"a"}]}', 'orient="table"'],
    ['x.json', '{"0":{"text":"a","label":"x"},"1":{"text":"b","label":"y"}}', 'orient="index"'],
    ['x.json', '[["a","x"],["b","y"]]', 'orient="values"'],
    ['x.json', '{"text":["a","b"],"label":["x","y"]}', 'one list per column'],
    ['x.json', '{"version":"1","data":[{"text":"a","label":"x"}]}', 'its rows are under “data”'],
    ['x.json', '{\n"train":[["a","x"]],\n"test":[["b","y"]]\n}', 'its rows are under “train” and “test”'],
    [
      'x.jsonl',
      '{\n "text": "a",\n "label": "x"\n}\n{\n "text": "b",\n "label": "y"\n}\n',
      'line 1 spans several lines',
    ],
    ['x.json', '{\n "text": "a"\n}\n\n{\n "text": "b"\n}', 'line 1 spans several lines'],
    ['x.jsonl', '[{"text":"a"}]\n[{"text":"b"}]\n', 'line 1 is a list'],
    ['x.json', '{"name": "a", "size": 3,\n"text": "b"}', 'contains one JSON object'],
  ])('%s of another shape is refused with its own reason: %s', async (file, text, expected) => {
    await expect(ofText(text, file)).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringContaining(expected),
      hint: expect.stringMatching(/pandas|Write|Use|jq/),
    });
  });

  it.each([
    ['x.jsonl', '{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}', 'messages'],
    ['x.jsonl', '{"id":"7","conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}\n', 'id'],
    ['x.json', `{"messages":[{"content":"${'Hi '.repeat(300)}","role":"user"}]}\n`, 'messages'],
    ['x.jsonl', '{"tokens":["Ada","sleeps"],"ner_tags":["B-PER","O"]}\n', 'tokens'],
  ])('one conversation or sentence alone in %s is a row', async (file, text, first) => {
    const table = await ofText(text, file);
    expect(table.rows).toHaveLength(1);
    expect(table.columns[0]).toBe(first);
  });

  it('a conversation over several lines is one object, not rows under its key', async () => {
    await expect(ofText('{\n"messages": [\n{"role":"user","content":"Hi"}]}', 'x.json')).rejects.toThrow(
      'it contains one JSON object, not a list of rows'.slice(3),
    );
  });

  it('a trailing comma is named with the line that it is on', async () => {
    const table = await ofText('[\n{"text":"a","label":"x"},\n{"text":"b","label":"y"},\n]\n', 'x.json');
    expect(codes(table)).toEqual(['error json-syntax 4']);
    expect(table.problems[0]!.message).toContain('before the closing “]” (the comma is on line 3)');
    expect(table.rows).toHaveLength(2);
  });

  it('byte order marks in the midst, and halves of characters', async () => {
    const table = await ofText('{"text":"a","label":"x"}\n\ufeff{"text":"\\ud83d","label":"y"}\n', 'x.jsonl');
    expect(cells(table)).toEqual([
      ['a', 'x'],
      ['\ufffd', 'y'],
    ]);
    expect(codes(table)).toEqual(['warning encoding-broken 2']);
  });
});

describe('labels in front of texts', () => {
  it("several of fastText's stand before the text, wherever the line has them", async () => {
    const table = await ofText(
      '__label__a __label__b first text\n__label__a second __label__c text\n__label__b third text\n__label__b, fourth text\n',
      'x.txt',
    );
    expect(cells(table)).toEqual([
      ['__label__a', '__label__b first text'],
      ['__label__a', '__label__c second text'],
      ['__label__b', 'third text'],
      ['__label__b,', 'fourth text'],
    ]);
    expect(codes(table)).toEqual([]);
  });

  it('texts that begin with I or It are no labels before a tab', async () => {
    const texts = ['I like it', 'It was bad', 'I would come again', 'It took an hour', 'I never got it', 'It is fine'];
    const lines = [...texts, ...texts, ...texts, ...texts].map((text, i) => `${text}\t${i % 2 === 0 ? 'pos' : 'neg'}`);
    const table = await ofText(lines.join('\n'), 'Untitled-1');
    expect(table.format).toBe('label-tab-text');
    expect(table.columns).toEqual(['text', 'label']);
    expect(table.rows.at(0)!.values).toEqual(['I like it', 'pos']);
    const commas = await ofText(lines.join('\n').replaceAll('\t', ','), 'Untitled-1');
    expect(commas.format).toBe('csv');
    expect(commas.rows.at(1)!.values).toEqual(['It was bad', 'neg']);
  });

  it("SST-2's commas do not make it CSV", async () => {
    const table = await ofText('1 a stirring , funny film\n0 no , movement\n1 good , yes\n0 a , b , c\n', 'Untitled-1');
    expect(table.format).toBe('label-space-text');
  });
});

describe('files that are none', () => {
  it.skipIf(process.platform === 'win32')('are refused at once', async () => {
    const pipe = join(folder, 'pipe.csv');
    execFileSync('mkfifo', [pipe]);
    await expect(readTable({ file: pipe })).rejects.toMatchObject({
      code: 'data-unreadable',
      message: `${pipe} is a pipe, not a file.`,
    });
    await expect(readTable({ file: '/dev/zero' })).rejects.toThrow('/dev/zero is a device, not a file.');
  });

  it('that change while they are read are not read half', async () => {
    const file = join(folder, 'changing.csv');
    await writeFile(file, `text,label\n${'some text,a\nother text,b\n'.repeat(20_000)}`);
    let isFirst = true;
    const reading = readTable(
      { file },
      {
        onProgress: () => {
          if (isFirst) execFileSync(process.execPath, ['-e', 'fs.truncateSync(process.argv[1], 1000)', file]);
          isFirst = false;
        },
      },
    );
    await expect(reading).rejects.toThrow('changing.csv changed while it was being read');
  });
});

describe('lines to predict', () => {
  const texts = ['Grüße – schön', '', 'Wo ist es?'];

  it.each([
    ['UTF-16 with a mark', Buffer.from(`\ufeff${texts.join('\r\n')}\r\n`, 'utf16le')],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${texts.join('\n')}`)],
    ['Windows-1252', iconv.encode(`${texts.join('\r\n')}\r\n`, 'windows-1252')],
  ])('%s', async (_, bytes) => {
    expect((await linesIn(bytes, 'input')).lines).toEqual(texts);
  });

  it('empty input has no lines, blank ones count, and a guess is said', async () => {
    expect((await linesIn(Buffer.alloc(0), 'input')).lines).toEqual([]);
    expect((await linesIn(Buffer.from('\n \n'), 'input')).lines).toEqual(['', ' ']);
    const { problems } = await linesIn(iconv.encode('Grüße – schön\n', 'windows-1252'), 'input');
    expect(problems).toMatchObject([{ severity: 'warning', code: 'encoding-guessed' }]);
  });
});

describe('an encoding that may be another one', () => {
  const unsure = Buffer.from('text,label\nit costs \xa35,pos\n\xa9 of it,neg\nwell,pos\nbad,neg\n', 'latin1');

  it('refuses training data until it is named, before columns are complained about', async () => {
    const file = join(folder, 'unsure.csv');
    await writeFile(file, unsure);
    const load = (encoding?: string) =>
      loadDataset(LABELLED, file, { base: folder, encoding, validation_split: 0, seed: 1 });
    await expect(load()).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(
        /^unsure\.csv is not UTF-8, and its encoding is uncertain: as \S+ it reads “.*”, as/,
      ),
      hint: expect.stringContaining('--encoding'),
    });
    const dataset = await load('latin1');
    expect(dataset.train.map(({ text }) => text).sort()).toEqual(['bad', 'it costs £5', 'well', '© of it']);
    await expect(load('klingon')).rejects.toMatchObject({ code: 'usage' });
    await writeFile(file, Buffer.from('a,b\nit costs \xa35,\xa9 x\n', 'latin1'));
    await expect(load()).rejects.toThrow('its encoding is uncertain');
  });

  it('is an answer of the inspection, which goes on', async () => {
    const file = join(folder, 'look.csv');
    await writeFile(file, unsure);
    const summary = await inspectData({ file });
    expect(summary.problems[0]).toMatchObject({ severity: 'warning', code: 'encoding-guessed' });
    expect(summary.encoding_guess).toMatchObject({ is_sure: false });
    expect(summary.encoding_guess!.alternatives.length).toBeGreaterThan(0);
    const told = await inspectData({ file, encoding: 'windows-1252' });
    expect(told.encoding_guess).toBeUndefined();
    expect(told.columns[0]!.examples[0]).toBe('it costs £5');
  });

  it('goes before an error about columns', async () => {
    const file = join(folder, 'columns.csv');
    await writeFile(file, iconv.encode('eins,zwei\nGrüße,Wörter\nSchön,Würde\n', 'windows-1252'));
    const { problems } = await inspectData({ file });
    expect(problems.map(({ code }) => code)[0]).toBe('encoding-guessed');
  });
});

describe('texts without blanks', () => {
  const chinese = [
    '物流太慢了等了两个星期,物流',
    '发票抬头写错了,账单',
    '密码重置邮件一直收不到,登录',
    '快递盒子压坏了,物流',
  ];
  const japanese = ['荷物がまだ届きません,配送', '請求金額が間違っています,請求', 'パスワードを忘れました,登録'];

  it.each([
    ['Chinese', `文本,类别\n${[...chinese, ...chinese, ...chinese].join('\n')}\n`, '文本', '类别', 'gb18030'],
    [
      'Japanese',
      `本文,ラベル\n${[...japanese, ...japanese, ...japanese, ...japanese].join('\n')}\n`,
      '本文',
      'ラベル',
      'shift_jis',
    ],
  ])('%s is text, in UTF-8 and in its own encoding', async (_, text, textColumn, label, encoding) => {
    const file = join(folder, `${encoding}.csv`);
    for (const bytes of [Buffer.from(text), iconv.encode(text, encoding)]) {
      await writeFile(file, bytes);
      const summary = await inspectData({ file });
      expect(summary.guess).toEqual({ text: textColumn, label });
      expect(summary.classes).toHaveLength(3);
      expect(summary.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });
});

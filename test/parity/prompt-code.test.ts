import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { codeOfPrompt } from '../../src/engine/infer/prompt-code.ts';
import { readPromptModel } from '../../src/engine/infer/prompt-model.ts';
import { type Asked, runPrompt } from '../../src/engine/infer/prompt-run.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { openPrompt } from '../../src/engine/prompts/prompt.ts';
import { PromptRenderer } from '../../src/engine/prompts/renderer.ts';
import { sizeOf } from '../../src/engine/tensor/executors/executor.ts';
import type { CodeLanguage, PromptAnswer } from '../../src/protocol/index.ts';
import { figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { weight } from './values.ts';

const python = findPython();
const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** Installed by `npm test` alone (test/package.json). */
const modules = inProject('test/node_modules');
const hasTransformersJs = existsSync(join(modules, '@huggingface/transformers'));

/** Quotes, line ends, braces, a line that looks like a role, and letters beyond the basic plane. */
const TEXT = 'Where is my "parcel"?\nIt\'s late… 😀 {{ no }}\\n\nuser:\nC:\\temp\u202E!';
const chat = (options: string, body: string) =>
  `---\nmodel: { api: chat, parameters: ${options} }\ninputs: { text: { type: string } }\n---\n${body}`;
const BODY = 'system:\nAnswer in a friendly way.\nuser:\n{{ text }}\n';
const VERBALIZER = `---
model: { api: completion }
inputs: { text: { type: string } }
luthier: { verbalizer: { good: [great, quite fine], bad: bad } }
---
`;
const TEMPLATES = {
  greedy: chat('{ max_tokens: 16, temperature: 0 }', BODY),
  // What the answer says by itself is not known before: a letter ends most of them.
  stopped: chat('{ max_tokens: 24, stop: [" the", "\\n"] }', BODY),
  begun: chat(
    '{ max_tokens: 12, repetition_penalty: 1.3, no_repeat_ngram_size: 3 }',
    `${BODY}assistant:\nThank you for`,
  ),
  completion: '---\nmodel: { api: completion, parameters: { max_tokens: 12 } }\n---\nThe weather is\nsunny, and',
  labels: `${VERBALIZER}{{ text }} This is`,
};
const BEAMS = chat('{ max_tokens: 8, num_beams: 3 }', BODY);
const DRAWN = chat('{ max_tokens: 8, temperature: 0.8, top_p: 0.9, seed: 3 }', BODY);

describe('a prompt as a program', () => {
  const renderer = new PromptRenderer();
  let place: string;
  let folder: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "luthier prompt's code "));
    folder = join(place, 'decoder');
    await cp(inProject('starters/decoder'), folder, { recursive: true });
  });
  afterAll(async () => {
    renderer.dispose();
    await rm(place, { recursive: true, force: true });
  });

  const codeOf = async (text: string, language: CodeLanguage, of = folder) =>
    codeOfPrompt(
      await openPrompt({ text, base: place }),
      null,
      { values: { text: TEXT } },
      { renderer, model: await readPromptModel(of), modelName: 'decoder\nimport os', language },
    );

  async function answers(texts: readonly string[], asked: Asked): Promise<PromptAnswer[]> {
    const given: PromptAnswer[] = [];
    for (const text of texts)
      given.push(
        await runPrompt(await openPrompt({ text, base: place }), null, { values: { text: TEXT } }, asked, { renderer }),
      );
    return given;
  }
  async function ours(texts: readonly string[]): Promise<PromptAnswer[]> {
    const writer = await openWriter(folder);
    const predictor = async () => expect.fail('it classifies nothing');
    const given = await answers(texts, { model: await readPromptModel(folder), writer: async () => writer, predictor });
    writer.dispose();
    return given;
  }

  /** What each program prints and what it has in the end, run as it stands. */
  async function inPython(programs: readonly string[]): Promise<{ said: string; ids?: number[]; prompt?: string }[]> {
    const files: string[] = [];
    for (const [i, program] of programs.entries()) {
      files.push(join(place, `program${i}.py`));
      await writeFile(files[i]!, program);
    }
    const driver = [
      'import contextlib, io, json, runpy, sys',
      'for path in sys.argv[1:]:',
      '    said = io.StringIO()',
      '    with contextlib.redirect_stdout(said):',
      '        made = runpy.run_path(path)',
      '    ids = made["new"].tolist() if "new" in made else None',
      '    print("=" + json.dumps({"said": said.getvalue(), "ids": ids, "prompt": made.get("prompt")}))',
    ].join('\n');
    const { code, stdout, stderr } = await runPython(python!, ['-c', driver, ...files], { OMP_NUM_THREADS: '1' });
    expect(code, stderr).toBe(0);
    const lines = stdout.split('\n').filter((line) => line.startsWith('='));
    return lines.map((line) => JSON.parse(line.slice(1)) as { said: string });
  }
  const scoresIn = (said: string): Record<string, number> =>
    Object.fromEntries(
      said
        .trim()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([label, score]) => [label!, Number(score)]),
    );
  function sameScores(said: string, { labels }: PromptAnswer): void {
    expect(Object.keys(scoresIn(said))).toEqual(labels!.map(({ label }) => label));
    for (const { label, score } of labels!) expect(scoresIn(said)[label]).toBeCloseTo(score, 3);
  }

  it(`in Python gives our answers token for token (${python ? 'checked' : 'skipped without LUTHIER_PYTHON'})`, {
    timeout: 900_000,
  }, async () => {
    const texts = [...Object.values(TEMPLATES), BEAMS];
    const programs = [];
    for (const text of [...texts, DRAWN]) programs.push((await codeOf(text, 'python')).code);
    // Nothing from outside ends a comment.
    for (const program of programs) expect(program).not.toMatch(/^import os/m);
    expect(programs.at(-1)).toContain('set_seed(3)');
    if (!python) return;
    const [given, theirs] = [await ours(texts), await inPython(programs)];
    for (const [i, answer] of given.entries()) {
      const { said, prompt } = theirs[i]!;
      expect(prompt, texts[i]!).toBe(answer.prompt);
      if (answer.labels) sameScores(said, answer);
      else expect(said, texts[i]!).toBe(`${answer.answer}\n`);
    }
    const writer = await openWriter(folder);
    const tokens = async (i: number, max_new_tokens: number) =>
      (await writer.write(writer.tokenizer.encodeBare(given[i]!.prompt).ids, { settings: { max_new_tokens } }))
        .token_ids;
    expect(theirs[0]!.ids).toEqual(await tokens(0, 16));
    writer.dispose();
    expect(given[1]!.finish_reason).toBe('stop');
    // Other random numbers, but as many tokens, of the same prompt.
    expect(theirs.at(-1)!.prompt).toBe(given[0]!.prompt);
  });

  it(`in JavaScript too, by ONNX (${hasTransformersJs ? 'checked' : 'skipped without test/node_modules'})`, {
    timeout: 900_000,
  }, async () => {
    const texts = Object.values(TEMPLATES);
    expect((await codeOf(texts[0]!, 'javascript')).needs_onnx).toBe(true);
    expect((await codeOf(BEAMS, 'javascript')).code).toContain(
      '// Left out, since transformers.js has no num_beams (3)',
    );
    expect((await codeOf(DRAWN, 'javascript')).code).toMatch(/has no top_p \(0\.9\)[\s\S]*random\.seed\(3\)/);
    if (!hasTransformersJs) return;
    await exportFolderAsOnnx(folder);
    await symlink(modules, join(place, 'node_modules'), 'junction');
    const given = await ours(texts);
    const run = promisify(execFile);
    for (const [i, text] of texts.entries()) {
      const { code, needs_onnx } = await codeOf(text, 'javascript');
      expect(needs_onnx).toBe(false);
      const file = join(place, `program${i}.mjs`);
      await writeFile(file, code);
      const { stdout } = await run(process.execPath, [file]);
      if (given[i]!.labels) sameScores(stdout, given[i]!);
      else expect(stdout, text).toBe(`${given[i]!.answer}\n`);
    }
  });

  it('says of a model without a chat template that ChatML is used, and uses it', { timeout: 900_000 }, async () => {
    const plain = join(place, 'plain');
    await cp(inProject('starters/decoder'), plain, { recursive: true });
    const config = JSON.parse(readFileSync(join(plain, 'tokenizer_config.json'), 'utf8')) as Record<string, unknown>;
    const { chat_template: _, ...others } = config;
    await writeFile(join(plain, 'tokenizer_config.json'), JSON.stringify(others));
    const { code } = await codeOf(TEMPLATES.greedy, 'python', plain);
    expect(code).toContain('so ChatML is used.\ntokenizer.chat_template = ');
    if (!python) return;
    const model = await readPromptModel(plain);
    const [ran] = await inPython([code]);
    const prompt = ran?.prompt;
    expect(prompt).toBe(
      model.chat().render(
        [
          { role: 'system', content: 'Answer in a friendly way.' },
          { role: 'user', content: TEXT },
        ],
        { forAnswer: true },
      ),
    );
  });

  it('at a mask, and with a pipeline where a template has no words for labels', { timeout: 900_000 }, async () => {
    const { config } = JSON.parse(readFileSync(figures('roberta-masked.json'), 'utf8')) as { config: object };
    const whole = { ...config, max_position_embeddings: 60, vocab_size: 425 };
    const architecture = architectureOf(whole, 'roberta', { name: 'fill-mask', reads: 'named' });
    const masked = join(place, 'masked');
    await mkdir(masked);
    await saveModelFolder(masked, {
      config: { ...whole, architectures: [architecture.className] },
      tensors: [...declarationOf(architecture).parameters.values()].map(({ name, shape }) => ({
        ...{ name, shape, dtype: 'F32' as const, data: weight(name, sizeOf(shape), 0.25) },
      })),
    });
    await writeFile(join(masked, 'tokenizer.json'), readFileSync(figures('tokenizers/roberta.json')));
    const special = {
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      pad_token: '<pad>',
      mask_token: '<mask>',
    };
    const tokens = JSON.stringify({ tokenizer_class: 'RobertaTokenizer', ...special });
    await writeFile(join(masked, 'tokenizer_config.json'), tokens);
    const words = VERBALIZER.replace('quite fine', 'refund').replace('great', 'late').replace('bad: bad', 'bad: in');
    const texts = [`${words}the [MASK] is.`, '---\nmodel: { api: completion }\n---\nthe <mask> is'];
    const programs = [];
    for (const text of texts) programs.push((await codeOf(text, 'python', masked)).code);
    expect(programs[0]).toContain('# [MASK] is read as <mask>, the mask of this model.');
    expect(programs[1]).toContain('fill = pipeline("fill-mask"');
    await expect(codeOf(`${words}<mask> and <mask>`, 'python', masked)).rejects.toThrow('has 2 masks');
    await expect(codeOf(`${words}none`, 'python', masked)).rejects.toThrow('has no <mask>');
    if (!python) return;
    const predictor = await createPredictor(masked);
    const writer = async () => expect.fail('it writes nothing');
    const asked = { model: await readPromptModel(masked), writer, predictor: async () => predictor };
    const [labels, fills] = (await answers(texts, asked)) as [PromptAnswer, PromptAnswer];
    predictor.dispose();
    const [atMask, filled] = (await inPython(programs)) as [{ said: string }, { said: string }];
    sameScores(atMask.said, labels);
    expect(filled.said).toContain(`'token_str': '${fills.labels![0]!.label}`.slice(0, 15));
  });
});

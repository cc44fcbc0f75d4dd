import { describe, expect, it } from 'vitest';
import { LEARNED_LIMITS, type LearnedCompletion, learnable, lineOf, parseLearned, withinLimits } from './learned.ts';

const row = (more: Partial<LearnedCompletion> = {}): LearnedCompletion => ({
  ...{ id: 'a1', at: '2026-11-27T08:00:00.000Z', outcome: 'accepted', edited: false, language: 'markdown', model: 'm' },
  ...{ file: 'notes.md', prompt: 'The parcel ', suggestion: 'is here', completion: 'is here.', after: '\nBelow' },
  ...more,
});
const TOKEN = 'ghp_0123456789abcdefABCDEF0123456789abcd';

describe('learnable', () => {
  it('keeps a row as it is where there is nothing to hide', () => {
    expect(learnable(row())).toEqual(row());
  });

  it('masks secrets around it, and keeps nothing that is a secret, a part of one or only suggested', () => {
    expect(learnable(row({ prompt: `token: ${TOKEN}\nThe `, after: `\npassword = "k3eper-of-9"` }))).toMatchObject({
      prompt: 'token: <secret>\nThe ',
      after: '\npassword = "<secret>"',
    });
    expect(learnable(row({ prompt: 'password = "', completion: 'k3eper-of-9"' }))).toBeNull();
    expect(learnable(row({ prompt: `x ${TOKEN.slice(0, 12)}`, completion: TOKEN.slice(12) }))).toBeNull();
    expect(learnable(row({ prompt: 'password = "', suggestion: 'k3eper-of-9"', completion: 'none"' }))).toBeNull();
    expect(learnable(row({ file: `notes/${TOKEN}.md` }))?.file).toBe('notes/<secret>.md');
  });

  it('knows a secret by what stands far in front of what is kept', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n'.repeat(80)}-----END PRIVATE KEY-----\n`;
    expect(key.length).toBeGreaterThan(LEARNED_LIMITS.before);
    expect(learnable(row({ prompt: `${key}The ` }))?.prompt).toBe(
      '-----BEGIN PRIVATE KEY-----\n<secret>\n-----END PRIVATE KEY-----\nThe ',
    );
  });

  it('cuts what is long at the beginning of a line and between characters, and keeps nothing without text', () => {
    const kept = learnable(row({ prompt: `${'a line of text\n'.repeat(300)}The `, after: `\n${'🙂'.repeat(400)}` }))!;
    expect(kept.prompt.length).toBeLessThanOrEqual(LEARNED_LIMITS.before);
    expect(kept.prompt).toMatch(/^a line of text\n/);
    expect(kept.after).toBe(`\n${'🙂'.repeat(249)}`);
    expect(learnable(row({ completion: ' \n' }))).toBeNull();
    expect(learnable(row({ completion: 'x'.repeat(LEARNED_LIMITS.completion + 1) }))).toBeNull();
  });
});

describe('parseLearned', () => {
  it('reads rows, and says which lines are none', () => {
    const { file: _, ...untitled } = row({ id: 'b2' });
    const text = `${lineOf(row())}\n{"id":"torn","at\n${lineOf(untitled)}[]\n${lineOf(row({ outcome: 'shown' as never }))}null`;
    expect(parseLearned(text)).toEqual({ rows: [row(), untitled], broken: [3, 5, 6, 7] });
    expect(parseLearned('')).toEqual({ rows: [], broken: [] });
  });
});

describe('withinLimits', () => {
  it('lets the oldest go until there is some room, rejected ones first; a broken line goes as any other', () => {
    const lines = [
      'torn',
      ...['accepted', 'rejected', 'partly', 'rejected', 'accepted'].map((outcome, i) =>
        lineOf(row({ id: `${i}`, outcome: outcome as never })).trim(),
      ),
    ];
    const all = lines.reduce((sum, line) => sum + line.length + 1, 0);
    const left = (bytes: number) => withinLimits(lines, bytes).map((line) => parseLearned(line).rows[0]?.id ?? line);
    expect(left(all)).toEqual(['torn', '0', '1', '2', '3', '4']);
    expect(left(all - 1)).toEqual(['torn', '0', '2', '3', '4']);
    expect(left(Math.floor(all / 2))).toEqual(['2', '4']);
    expect(left(10)).toEqual([]);
  });
});

import { expect, test } from 'vitest';
import { markdown, plain, plainLine } from './escape.ts';

const EVIL = '![x](http://h/x.png) [y](command:z) $(trash) <img src=x> www.h.de a@b.de | `c` \u001b[2J\u202e\n# t';

test('plain text is no link and no icon anywhere in VS Code, and reads as it was written', () => {
  const text = plain(EVIL);
  // How VS Code finds links in notifications (base/common/linkedText) and icons in labels (base/common/iconLabels).
  expect(text).not.toMatch(/\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)/);
  expect(text).not.toMatch(/\$\([A-Za-z0-9-]+(?:~[A-Za-z]+)?\)/);
  expect(text.replaceAll('\u2060', '')).toBe(EVIL.replace('\u001b', '\\u001b').replace('\u202e', '\\u202e'));
  expect(plainLine('a\r\nb\tc')).toBe('a b c');
  expect(plain('Größe 数据 😀 (80 %) [1]')).toBe('Größe 数据 😀 (80 %) [1]');
});

test('Markdown out of it has no markup: every mark is escaped, and it is one line', () => {
  const text = markdown(EVIL);
  expect(text).not.toMatch(/(?<!\\)(?:\\\\)*[!-/:-@[-`{-~](?<!\\)/);
  expect(text).not.toContain('\n');
  // VS Code turns \$(x) back into $(x) and then into an icon: there is none to turn.
  expect(text.replaceAll('\\', '')).not.toMatch(/\$\(trash\)/);
  expect(markdown('macro F1 80.1 %')).toBe('macro F1 80\\.1 \\%');
});

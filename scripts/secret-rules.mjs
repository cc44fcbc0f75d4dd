// Makes src/completions/secret-rules.ts of gitleaks' rules (https://github.com/gitleaks/gitleaks, MIT).
// node scripts/secret-rules.mjs PATH/TO/gitleaks/config/gitleaks.toml VERSION
// Go's expressions become JavaScript's: case is spelt out where it is ignored in part, and what may repeat without end
// has a limit, so that no text, however it was made, takes longer than in proportion to its length.
import { readFileSync, writeFileSync } from 'node:fs';

/** Rules that secrets.ts has of its own, that go by a file's path, or that take other texts for secrets. */
const LEFT_OUT = new Set([
  ...['generic-api-key', 'private-key', 'curl-auth-header', 'curl-auth-user', 'jwt-base64', 'kubernetes-secret-yaml'],
  ...['pkcs12-file', 'sourcegraph-access-token', 'hashicorp-tf-password'],
]);
/** The most that anything repeats; what goes on after a secret that was found is masked with it. */
const MOST = 2048;

/** What an unanchored search does not need: the rest finds the same secret. */
const FRONT = '[\\w.-]{0,50}?';
/** What has to follow a secret there; in other texts a bracket or a comma may. */
const BACK = /\(\?:\[\\x60'"\\s;\]\|\\\\\[nr\]\|\$(?:\|\\b)?\)$/;

/** @param {string} toml */
function rulesOf(toml) {
  return toml
    .split(/^\[\[rules\]\]$/m)
    .slice(1)
    .map((section) => section.split(/^\[/m)[0] ?? '')
    .map((section) => ({
      id: /^id = "(.*)"$/m.exec(section)?.[1] ?? '',
      regex: /^regex = '''([\s\S]*?)'''$/m.exec(section)?.[1],
      entropy: Number(/^entropy = (.*)$/m.exec(section)?.[1] ?? 0),
      group: Number(/^secretGroup = (.*)$/m.exec(section)?.[1] ?? 0),
      keywords: [...(/^keywords = \[([^\]]*)\]/m.exec(section)?.[1] ?? '').matchAll(/"([^"]*)"/g)].map(
        ([, word]) => word,
      ),
    }))
    .filter(({ id, regex }) => regex !== undefined && !LEFT_OUT.has(id));
}

/** @param {string} letter */
const bothCases = (letter) => `${letter.toLowerCase()}${letter.toUpperCase()}`;

/** A Go expression as JavaScript's. @param {string} go */
function translated(go) {
  let source = '';
  let at = 0;
  const ignores = [false];
  const isIgnored = () => ignores.at(-1) === true;
  const open = (/** @type {boolean} */ ignoresCase, /** @type {string} */ as) => {
    ignores.push(ignoresCase);
    return as;
  };
  /** @type {[RegExp, (match: RegExpExecArray) => string][]} */
  const parts = [
    [
      /\(\?(-?)([is])\)/,
      ([, minus, flag]) => {
        if (flag === 'i') ignores[ignores.length - 1] = minus === '';
        return '';
      },
    ],
    [/\(\?(-?)i:/, ([, minus]) => open(minus === '', '(?:')],
    [/\(\?s:\.\)/, () => '[^]'],
    [/\(\?!\\w\)/, ([it]) => it],
    [/\(\?:|\(\?P<\w+>/, () => open(isIgnored(), '(?:')],
    [/\(/, () => open(isIgnored(), '(')],
    [
      /\)/,
      () => {
        ignores.pop();
        return ')';
      },
    ],
    [/\\z/, () => '$'],
    [/\\(?:x[0-9a-fA-F]{2}|[\s\S])/, ([it]) => it],
    [/\[(?:\[:alnum:\]|\\[\s\S]|[^\]\\])+\]/, ([it]) => classOf(it, isIgnored())],
    [/\{(\d+),\}/, ([, least]) => `{${least},${Math.max(MOST, Number(least))}}`],
    [/\{\d+(?:,\d+)?\}/, ([it]) => it],
    [/\*/, () => `{0,${MOST}}`],
    [/\+/, () => `{1,${MOST}}`],
    [/[\s\S]/, ([it]) => (isIgnored() && /[a-zA-Z]/.test(it) ? `[${bothCases(it)}]` : it)],
  ];
  while (at < go.length) {
    for (const [pattern, made] of parts) {
      const sticky = new RegExp(pattern.source, 'y');
      sticky.lastIndex = at;
      const match = sticky.exec(go);
      if (!match) continue;
      at = sticky.lastIndex;
      source += made(match);
      break;
    }
  }
  return source;
}

/** @param {string} written with its brackets @param {boolean} ignoresCase */
function classOf(written, ignoresCase) {
  const alnum = written.replaceAll('[:alnum:]', 'a-zA-Z0-9');
  if (!ignoresCase) return alnum;
  return alnum.replace(/\\(?:x[0-9a-fA-F]{2}|[\s\S])|([a-zA-Z])-([a-zA-Z])|[a-zA-Z]/g, (part, from, to) => {
    if (part.startsWith('\\')) return part;
    if (from === undefined) return bothCases(part);
    return `${from.toLowerCase()}-${to.toLowerCase()}${from.toUpperCase()}-${to.toUpperCase()}`;
  });
}

const [file, version] = process.argv.slice(2);
if (!file || !version) throw new Error('node scripts/secret-rules.mjs gitleaks.toml VERSION');
const lines = rulesOf(readFileSync(file, 'utf8')).map(({ id, regex = '', entropy, group, keywords }) => {
  const source = translated(regex.replaceAll(FRONT, '').replace(BACK, String.raw`(?!\w)`));
  new RegExp(source, 'dg');
  const quote = source.includes("'") ? '"' : "'";
  const written = source.includes('\\') ? `String.raw\`${source.replaceAll('`', '\\x60')}\`` : quote + source + quote;
  const words = keywords.map((word) => `'${(word ?? '').toLowerCase()}'`).join(', ');
  const more = [...(entropy ? [`entropy: ${entropy}`] : []), ...(group ? [`group: ${group}`] : [])];
  return `  { id: '${id}', keywords: [${words}], source: ${written}${more.map((it) => `, ${it}`).join('')} },`;
});
writeFileSync(
  new URL('../src/completions/secret-rules.ts', import.meta.url),
  `// Made by scripts/secret-rules.mjs of gitleaks ${version} (Copyright (c) 2019 Zachary Rice, MIT); do not edit.

/** What the tokens and keys of a service look like. */
export interface SecretRule {
  id: string;
  /** One of them stands in every text that has such a secret, in small letters. */
  keywords: readonly string[];
  source: string;
  /** Bits by character that a secret has at least. */
  entropy?: number;
  /** The group that is the secret; else the first that took part, or all of the match. */
  group?: number;
}

// biome-ignore format: a rule a line
export const SECRET_RULES: readonly SecretRule[] = [
${lines.join('\n')}
];
`,
);

import { SECRET_RULES, type SecretRule } from './secret-rules.ts';

export { looksSecret } from './secret-files.ts';

/** What stands where a secret stood. */
export const MASK = '<secret>';

/** A secret, by its place in the text that was given (UTF-16 units). */
export interface MaskedSecret {
  /** `private-key`, `password`, `address-password`, `authorization`, `key-assignment`, or a rule of secret-rules.ts. */
  kind: string;
  start: number;
  end: number;
}

export interface MaskedText {
  text: string;
  /** In the order of the text; none overlaps another. */
  masked: MaskedSecret[];
}

/**
 * A text in which each secret is replaced by `<secret>`; all else stays as it is. Secrets are known by the shapes of
 * tokens and keys (gitleaks' rules), by their armour, as passwords in addresses, and by the names that they are given.
 * What has been masked is not masked again. Takes time in proportion to the text, whatever it is.
 */
export function maskSecrets(text: string): MaskedText {
  const found = [
    ...privateKeys(text),
    ...ruled(text),
    ...authorizations(text),
    ...addresses(text),
    ...assignments(text),
  ];
  const masked = apart(found.filter(({ start, end }) => end > start));
  let result = '';
  let at = 0;
  for (const { start, end } of masked) {
    result += text.slice(at, start) + MASK;
    at = end;
  }
  return { text: result + text.slice(at), masked };
}

/** Those that overlap as one, of the kind that was named first: the surest kinds come first. */
function apart(found: readonly MaskedSecret[]): MaskedSecret[] {
  const order = new Map(found.map((one, i) => [one, i]));
  const merged: MaskedSecret[] = [];
  let surest = 0;
  for (const one of [...found].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (!last || one.start >= last.end) {
      merged.push({ ...one });
      surest = order.get(one)!;
      continue;
    }
    last.end = Math.max(last.end, one.end);
    if (order.get(one)! < surest) {
      last.kind = one.kind;
      surest = order.get(one)!;
    }
  }
  return merged;
}

const ARMOUR = /-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----/g;
const LONGEST_KEY = 20_000;
/** What a key without an end goes on with. */
const KEY_BODY = /[A-Za-z0-9+/=\s\\]{0,4096}/y;

/** What stands between the lines that a private key begins and ends with. */
function privateKeys(text: string): MaskedSecret[] {
  const found: MaskedSecret[] = [];
  // Looked for once from each place on: a text of beginnings alone is not gone through again for each.
  let end = -2;
  for (const { 0: head, index } of text.matchAll(ARMOUR)) {
    const from = index + head.length;
    if (end !== -1 && end < from) end = text.indexOf('-----END', from);
    KEY_BODY.lastIndex = from;
    const to = end >= 0 && end - from <= LONGEST_KEY ? end : from + KEY_BODY.exec(text)![0].length;
    const body = text.slice(from, to);
    const blank = /^(?:\s|\\[nr])*/.exec(body)![0].length;
    const rest = body.trimEnd().replace(/(?:\\[nr])+$/, '');
    if (rest.length > blank && rest.slice(blank) !== MASK)
      found.push({ kind: 'private-key', start: from + blank, end: from + rest.length });
  }
  return found;
}

const expressions = new Map<SecretRule, RegExp>();

function expressionOf(rule: SecretRule): RegExp {
  let expression = expressions.get(rule);
  if (!expression) {
    expression = new RegExp(rule.source, 'dg');
    expressions.set(rule, expression);
  }
  return expression;
}

/** What goes on like a token belongs to it. */
const REST = /[\w+/=-]{0,65536}/y;

function ruled(text: string): MaskedSecret[] {
  const small = text.toLowerCase();
  const found: MaskedSecret[] = [];
  for (const rule of SECRET_RULES) {
    if (!rule.keywords.some((word) => small.includes(word))) continue;
    for (const match of text.matchAll(expressionOf(rule))) {
      const group =
        rule.group ??
        Math.max(
          0,
          match.findIndex((part, i) => i > 0 && part !== undefined),
        );
      const [start, end] = match.indices![group] ?? match.indices![0]!;
      const secret = text.slice(start, end);
      if (entropyOf(secret) < (rule.entropy ?? 0) || isPlaceholder(secret)) continue;
      REST.lastIndex = end;
      found.push({ kind: rule.id, start, end: end + REST.exec(text)![0].length });
    }
  }
  return found;
}

const AUTHORIZATION =
  /\b(?:authorization|x-api-key|x-auth-token)["']?[ \t]{0,4}[:=,][ \t]{0,4}["'`]?(?:(?:bearer|basic|token|digest)[ \t]{1,4})?([\w+/=.~-]{8,2048})/gi;
const BEARER = /\bbearer[ \t]{1,4}([\w+/=.~-]{20,2048})/gi;

/** Values of the headers that log in. */
function authorizations(text: string): MaskedSecret[] {
  return [AUTHORIZATION, BEARER].flatMap((expression) =>
    values(text, expression, 'authorization', (value) => entropyOf(value) >= 2.5 && /\d|[A-Z]/.test(value)),
  );
}

const ADDRESS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"`<>]{0,100}:([^\s/@'"`<>]{1,256})@[\w.[$-]/gi;

/** Passwords in addresses, as connection strings have them. */
const addresses = (text: string): MaskedSecret[] => values(text, ADDRESS, 'address-password', () => true);

const PASSWORD = String.raw`(?:password|passwd|passphrase|pwd|pass[_-]?phrase|kennwort|passwort|密码|口令)`;
const KEY = String.raw`(?:secret|token(?!i[sz])|api[_-]?key|access[_-]?key|account[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|shared[_-]?access[_-]?signature|credentials?|connection[_-]?string)`;
const IS = String.raw`[\w.-]{0,30}["'\]]{0,2}[ \t]{0,8}(?:=>|:=|==?|:)[ \t]{0,8}`;
const quoted = (name: string) =>
  new RegExp(`${name}${IS}(?:[rbuf]{0,2})(["'\`])((?:(?!\\1)[^\\n\\\\]){6,512})\\1`, 'gi');
/** As .env, INI, YAML and connection strings have values: to the end of the line, or to the next semicolon. */
const bare = (name: string) =>
  new RegExp(`${name}${IS}([^\\s"'\`;,(){}<>]{6,512})(?=[ \\t]{0,8}(?:[#;\\r\\n"']|$))`, 'gim');
const [QUOTED_PASSWORD, BARE_PASSWORD, QUOTED_KEY, BARE_KEY] = [
  quoted(PASSWORD),
  bare(PASSWORD),
  quoted(KEY),
  bare(KEY),
];

/** Values that are given to names such as password or api_key. */
function assignments(text: string): MaskedSecret[] {
  return [
    ...values(text, QUOTED_PASSWORD, 'password', isPassword),
    ...values(
      text,
      BARE_PASSWORD,
      'password',
      (value) => isPassword(value) && !isCode(value) && /[^\p{L}_]/u.test(value),
    ),
    ...values(text, QUOTED_KEY, 'key-assignment', isKey),
    ...values(text, BARE_KEY, 'key-assignment', (value) => isKey(value) && !isCode(value) && /\d.*\d/.test(value)),
  ];
}

/** Where the last group of each match is a secret. */
function values(text: string, expression: RegExp, kind: string, isSecret: (value: string) => boolean): MaskedSecret[] {
  const found: MaskedSecret[] = [];
  for (const match of text.matchAll(expression)) {
    const value = match.at(-1)!;
    const at = match[0].lastIndexOf(value);
    if (!isPlaceholder(value) && isSecret(value))
      found.push({ kind, start: match.index + at, end: match.index + at + value.length });
  }
  return found;
}

/** A word that labels a field is none: what has digits or signs is, or what is long. */
const isPassword = (value: string): boolean =>
  !/\s/.test(value) && entropyOf(value) >= 2 && (/[^\p{L}_]/u.test(value) || value.length >= 12) && !isPlace(value);

const isKey = (value: string): boolean =>
  /^[\w+/=.~!@#$%^&*:;?-]{12,}$/.test(value) &&
  /\d/.test(value) &&
  /[a-z]/i.test(value) &&
  entropyOf(value) >= 3.2 &&
  !isPlace(value);

/** Paths and addresses, and names of things rather than things. */
const isPlace = (value: string): boolean =>
  /^(?:https?:|\.{0,2}\/|[a-z]:\\)/i.test(value) || /^[a-z]+(?:[._-][a-z]+)+$/i.test(value);

/** What is computed or looked up elsewhere: `settings.token_2`, `env.PASSWORD`. */
const isCode = (value: string): boolean =>
  /^[\p{L}_$][\w$]*(?:(?:\.|->|::)[\p{L}_$][\w$]*)+$/u.test(value) || /[[\]|]/.test(value);

/** What stands for a secret that is somewhere else, or for none. */
function isPlaceholder(value: string): boolean {
  return (
    value.includes(MASK) ||
    /^(?:<.*>|\[.*\]|\$\(?\{?[\w.:-]*\}?\)?|\{\{.*\}\}|\$?\{.*\}|%[\w.]*%?|@[\w.]+@|#\{.*\})$/.test(value) ||
    /^(.)\1*$/.test(value) ||
    /^(?:x{3,}|\*{3,}|your[_-]|change[_-]?me|replace[_-]?me|example|placeholder|todo\b)/i.test(value) ||
    /^(?:undefined|null|none|true|false|passw(?:ord|ort)|secret|token)$/i.test(value)
  );
}

/** Shannon's entropy of a text's characters, in bits by character. */
function entropyOf(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  let total = 0;
  for (const count of counts.values()) total += count;
  for (const count of counts.values()) bits -= (count / total) * Math.log2(count / total);
  return bits;
}

/** Services that write their names in another way than with a capital first. */
const BRANDS: Record<string, string> = {
  ...{ aws: 'AWS', gcp: 'Google Cloud', npm: 'npm', pypi: 'PyPI', jwt: 'JSON Web Token', openai: 'OpenAI' },
  ...{ github: 'GitHub', gitlab: 'GitLab', huggingface: 'Hugging Face', digitalocean: 'DigitalOcean', jfrog: 'JFrog' },
  ...{
    planetscale: 'PlanetScale',
    sendgrid: 'SendGrid',
    linkedin: 'LinkedIn',
    hubspot: 'HubSpot',
    rubygems: 'RubyGems',
  },
};
const CAPITALS = /\b(?:api|pat|ad|id|url|cicd|oauth|scim|ptt|rrt|tf)\b/g;

/** What a kind is called, in small letters but for names: “private key”, “GitHub PAT”. */
export function secretName(kind: string): string {
  switch (kind) {
    case 'private-key':
      return 'private key';
    case 'password':
      return 'password';
    case 'address-password':
      return 'password in an address';
    case 'authorization':
      return 'authorization header';
    case 'key-assignment':
      return 'key or token by its name';
  }
  const [service = '', ...rest] = kind.split('-');
  const brand = BRANDS[service] ?? `${service.charAt(0).toUpperCase()}${service.slice(1)}`;
  return [brand, ...rest].join(' ').replace(CAPITALS, (word) => (word === 'oauth' ? 'OAuth' : word.toUpperCase()));
}

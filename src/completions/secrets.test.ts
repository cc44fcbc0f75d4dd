import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECRET_RULES } from './secret-rules.ts';
import { looksSecret, MASK, maskSecrets, secretName } from './secrets.ts';

/** Made here, so that no scanner takes this file for a leak. */
const of = (alphabet: string, length: number, seed = 7) =>
  Array.from({ length }, (_, i) => alphabet[(seed * (i + 3) * (i + 11) + i) % alphabet.length]).join('');
const ALNUM = 'q8Zw3Xe5Rc7Tv1Yb9Un2Im4Ko6Lp0AsDfGhJkQxWzEdCrFvTgByHnUjM';
const HEX = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const kinds = (text: string) => maskSecrets(text).masked.map(({ kind }) => kind);

describe('looksSecret', () => {
  it.each([
    ...['.env', 'app/.env.production', '.env-local', 'prod.env', '.envrc', '.npmrc', '.pypirc', '.netrc', '_netrc'],
    ...['server.key', 'server.pem', 'tls/chain.crt', 'release.keystore', 'id_rsa', '.ssh/config', 'deploy_ed25519'],
    ...[
      'vault.kdbx',
      'infra/terraform.tfstate',
      'infra/terraform.tfstate.backup',
      'prod.tfvars',
      'store.p12',
      'App.pfx',
    ],
    ...['credentials.json', 'config/secrets.yml', 'client_secret_4711.json', 'service-account.json', 'api-keys.txt'],
    ...['.aws/credentials', 'C:\\Users\\Kim\\.kube\\config', '.git-credentials', '.htpasswd', '.ENV', '.bash_history'],
    ...['config/master.key', 'mail.gpg', 'my.secrets.toml', 'passwords.csv'],
  ])('says so of %s', (path) => expect(looksSecret(path)).toBe(true));

  it.each([
    ...['secrets.ts', 'src/password.py', 'environment.ts', 'env.ts', 'tokenizer.json', 'keyboard.ts', 'key.md'],
    ...[
      '.env.example',
      '.env.sample',
      'id_rsa.pub',
      'README.md',
      'docs/credentials.md',
      'password-field.tsx',
      'a.envelope',
    ],
    ...['certificates.html', 'public.json', 'monkey', 'secretary.json', ''],
  ])('says no of “%s”', (path) => expect(looksSecret(path)).toBe(false));
});

describe('maskSecrets', () => {
  const tokens: [string, string, string][] = [
    ['aws-access-token', `AKIA${of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`, 'AWS access token'],
    ['github-pat', `ghp_${of(ALNUM, 36)}`, 'GitHub PAT'],
    ['github-fine-grained-pat', `github_pat_${of(ALNUM, 82)}`, 'GitHub fine grained PAT'],
    ['gitlab-pat', `glpat-${of(ALNUM, 20)}`, 'GitLab PAT'],
    ['slack-bot-token', `xoxb-${of('1234567890', 12)}-${of('9876543210', 12)}${of(ALNUM, 24)}`, 'Slack bot token'],
    ['huggingface-access-token', `hf_${of('qwertzuiopasdfghjklyxcvbnmQWERTZ', 34)}`, 'Hugging Face access token'],
    ['npm-access-token', `npm_${of('qwertzuiopasdfghjklyxcvbnm0123456789', 36)}`, 'npm access token'],
    ['openai-api-key', `sk-${of(ALNUM, 20)}T3BlbkFJ${of(ALNUM, 20, 5)}`, 'OpenAI API key'],
    ['anthropic-api-key', `sk-ant-api03-${of(ALNUM, 93)}AA`, 'Anthropic API key'],
    ['stripe-access-token', `sk_live_${of(ALNUM, 24)}`, 'Stripe access token'],
    ['gcp-api-key', `AIza${of(ALNUM, 35)}`, 'Google Cloud API key'],
    ['pypi-upload-token', `pypi-AgEIcHlwaS5vcmc${of(ALNUM, 60)}`, 'PyPI upload token'],
    ['jwt', `eyJ${of(ALNUM, 20)}.eyJ${of(ALNUM, 900)}.${of(ALNUM, 43)}`, 'JSON Web Token'],
  ];
  it.each(tokens)('knows %s by its shape, in any surroundings', (kind, token, name) => {
    for (const [before, after] of [
      ['', ''],
      ['client.login("', '")\n'],
      ['[', ', 1]'],
      ['let x = `', '`;'],
      ['# see ', ' and others'],
    ]) {
      const { text, masked } = maskSecrets(`${before}${token}${after}`);
      expect(text).toBe(`${before}${MASK}${after}`);
      expect(masked).toEqual([{ kind, start: before!.length, end: before!.length + token.length }]);
    }
    expect(secretName(kind)).toBe(name);
  });

  it('keeps the lines around a private key, wherever it stands', () => {
    const body = `${of(ALNUM, 64)}\n${of(ALNUM, 64, 3)}\n${of(ALNUM, 40, 5)}==`;
    const [begin, end] = ['-----BEGIN RSA PRIVATE KEY-----', '-----END RSA PRIVATE KEY-----'];
    expect(maskSecrets(`a\n${begin}\n${body}\n${end}\nb\n`).text).toBe(`a\n${begin}\n${MASK}\n${end}\nb\n`);
    const line = body.replaceAll('\n', '\\n');
    expect(maskSecrets(`"${begin}\\n${line}\\n${end}\\n"`).text).toBe(`"${begin}\\n${MASK}\\n${end}\\n"`);
    expect(maskSecrets(`${begin}\n${body}`).text).toBe(`${begin}\n${MASK}`);
    expect(kinds(`${begin}\n${end}`)).toEqual([]);
  });

  it('masks the password of an address alone', () => {
    expect(maskSecrets('postgres://app:hunter2@db.example:5432/x').text).toBe(
      `postgres://app:${MASK}@db.example:5432/x`,
    );
    expect(maskSecrets('redis://:pa55@cache').text).toBe(`redis://:${MASK}@cache`);
    expect(kinds('https://example.org:8080/a@b')).toEqual([]);
    expect(kinds('postgres://app:${PASSWORD}@db')).toEqual([]);
  });

  it.each([
    ['password = "correct7horse"', `password = "${MASK}"`, 'password'],
    ["'db_password': 'S3cr!t',", `'db_password': '${MASK}',`, 'password'],
    ['DB_PASSWORD=hunter22\nX=1', `DB_PASSWORD=${MASK}\nX=1`, 'password'],
    ['Server=s;Password=Xk9!mm2;Database=d', `Server=s;Password=${MASK};Database=d`, 'password'],
    ['  password: tr0ub4dor&3 # mine', `  password: ${MASK} # mine`, 'password'],
    ['passwort := `geheim-1234`', `passwort := \`${MASK}\``, 'password'],
    [`const apiKey = '${of(ALNUM, 24)}';`, `const apiKey = '${MASK}';`, 'key-assignment'],
    [`SESSION_TOKEN=${of(HEX, 32)}`, `SESSION_TOKEN=${MASK}`, 'key-assignment'],
    [`AccountKey=${of(ALNUM, 40)}==;EndpointSuffix=x`, `AccountKey=${MASK};EndpointSuffix=x`, 'key-assignment'],
    [`Authorization: Bearer ${of(ALNUM, 30)}`, `Authorization: Bearer ${MASK}`, 'authorization'],
    ["-H 'Authorization: Basic a2ltOmh1bnRlcjI='", `-H 'Authorization: Basic ${MASK}'`, 'authorization'],
  ])('goes by names: %s', (text, expected, kind) => {
    expect(maskSecrets(text).text).toBe(expected);
    expect(kinds(text)).toEqual([kind]);
  });

  it.each([
    ...['password = "password"', 'password: string;', 'password = process.env.PASSWORD1', 'token = getToken(3)'],
    ...[
      'const password = input.value2;',
      'label: "Password"',
      'secret = "${SECRET_1}"',
      'apiKey: "your-api-key-123456"',
    ],
    ...[
      'tokenizer: "SmolLM2-135M"',
      'token: Uint8ClampedArray',
      'PASSWORD=$DB_PASSWORD1',
      'path/to/secret: /a/b1/c2/d3e4',
    ],
    ...['password = "user.name.password"', 'token_type = "bearer"', 'if (password == other_password) {', 'ghp_short'],
    ...['secretKey = crypto.randomBytes(32)', 'commit 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c'],
  ])('leaves %s alone', (text) => expect(maskSecrets(text)).toEqual({ text, masked: [] }));

  it('does not mask twice', () => {
    const once = maskSecrets(`password="abc123!!" url=ftp://a:b9@c ghp_${of(ALNUM, 36)}`);
    expect(once.masked).toHaveLength(3);
    expect(maskSecrets(once.text)).toEqual({ text: once.text, masked: [] });
  });

  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      ...tokens.map(([, token]) => token),
      'password="',
      'api_key: ',
      '"',
      '\n',
      '\\n',
      '://a:',
      '@',
      '=',
    ),
    fc.constantFrom(
      '-----BEGIN PRIVATE KEY-----',
      '-----END PRIVATE KEY-----',
      MASK,
      'Bearer ',
      'ey',
      '\uD800',
      '密码',
    ),
  );
  it('never throws, and keeps everything else as it is', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const { text: after, masked } = maskSecrets(text);
        let rebuilt = '';
        let at = 0;
        for (const { start, end } of masked) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(end).toBeGreaterThan(start);
          rebuilt += text.slice(at, start) + MASK;
          at = end;
        }
        expect(after).toBe(rebuilt + text.slice(at));
        if (masked.length === 0) expect(after).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('repeats nothing without end in its expressions', () => {
    for (const { source } of SECRET_RULES) {
      const outside = source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]/g, 'x');
      expect(outside, source).not.toMatch(/[*+]|\{\d+,\}/);
    }
  });

  it('ends with texts that were made to be slow', () => {
    for (const unit of [
      '-----BEGIN PRIVATE KEY-----',
      'password="',
      'eyJ-',
      '://a:',
      'token=a1',
      'Bearer ',
      'AKIA',
      'xoxb-1',
      '\n',
    ])
      expect(() => maskSecrets(unit.repeat(Math.ceil(200_000 / unit.length)))).not.toThrow();
  });
});

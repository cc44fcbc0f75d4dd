/** Folders of which every file is somebody's secret. */
const FOLDERS = new Set(['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.password-store', '.gcloud']);

/** Files by their whole names, in small letters. */
const NAMES = new Set([
  ...['.env', '.envrc', '.npmrc', '.pypirc', '.netrc', '_netrc', '.pgpass', 'pgpass.conf', '.my.cnf', '.mylogin.cnf'],
  ...['.git-credentials', '.htpasswd', '.htdigest', '.dockercfg', '.boto', '.s3cfg', '.terraformrc', 'terraform.rc'],
  ...['.vault-token', '.credentials', 'credentials', 'credentials.toml', '.credentials.json', '.rediscli_auth'],
  ...['kubeconfig', 'master.key', 'wallet.dat', '.esmtprc', '.msmtprc', '.fetchmailrc', '.mutt_passwd', '.cifs'],
  ...['.bash_history', '.zsh_history', '.python_history', '.node_repl_history', '.psql_history', '.mysql_history'],
  ...['.sqlite_history', '.rediscli_history', '.irb_history', '.sh_history', '.history', 'auth.json'],
]);

/** Keys, certificates, keystores, password safes and what programs keep their secrets in. */
const ENDINGS =
  /\.(?:env|pem|key|p8|p12|pfx|pkcs12|ppk|jks|jceks|bcfks|keystore|truststore|keychain|kdbx?|psafe3|agilekeychain|opvault|gpg|pgp|asc|crt|cer|der|csr|ovpn|mobileprovision|tfstate|tfvars)(?:\.backup|\.bak|\.old)?$/;

/** `.env` of a stage; one that shows which names there are is for everybody. */
const STAGE = /^\.env[.-]/;
const FOR_SHOW = /[.-](?:example|sample|template|tpl|dist|defaults?|schema|d\.ts)$/;

const PRIVATE_KEY = /^(?:id_(?:rsa|dsa|ecdsa|ed25519|xmss)(?:_sk)?|.*_(?:rsa|dsa|ecdsa|ed25519))$/;
/** Data called secrets; code called so (`secrets.ts`) has none. */
const SECRET_DATA =
  /^(?:.*[._-])?(?:secrets?|credentials?|passwords?|passwd|client[._-]?secret|service[._-]?account|serviceaccountkey|api[._-]?keys?|access[._-]?tokens?|auth[._-]?tokens?)(?:[._-].*)?\.(?:json|jsonc|ya?ml|toml|ini|cfg|conf|properties|xml|txt|csv|plist)(?:\.enc|\.bak|\.old)?$/;

/**
 * Whether a file is one that people keep secrets in, by its path alone: nothing of it is completed or learnt.
 * @param path absolute or relative, with `/` or `\`
 */
export function looksSecret(path: string): boolean {
  const parts = path.toLowerCase().split(/[\\/]/);
  const name = parts.pop()!;
  if (parts.some((folder) => FOLDERS.has(folder))) return true;
  if (FOR_SHOW.test(name)) return false;
  return NAMES.has(name) || STAGE.test(name) || ENDINGS.test(name) || PRIVATE_KEY.test(name) || SECRET_DATA.test(name);
}

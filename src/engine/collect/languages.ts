/** Languages by VS Code's identifiers: how people call each, and the endings of its files. */
const LANGUAGES: readonly [language: string, title: string, endings: string][] = [
  ['bat', 'Batch', 'bat cmd'],
  ['bibtex', 'BibTeX', 'bib'],
  ['c', 'C', 'c h'],
  ['clojure', 'Clojure', 'clj cljs cljc edn'],
  ['coffeescript', 'CoffeeScript', 'coffee'],
  ['cpp', 'C++', 'cpp cc cxx hpp hh hxx ino'],
  ['csharp', 'C#', 'cs csx'],
  ['css', 'CSS', 'css'],
  ['cuda-cpp', 'CUDA', 'cu cuh'],
  ['dart', 'Dart', 'dart'],
  ['dockerfile', 'Dockerfile', 'dockerfile containerfile'],
  ['elixir', 'Elixir', 'ex exs'],
  ['elm', 'Elm', 'elm'],
  ['erlang', 'Erlang', 'erl hrl'],
  ['fsharp', 'F#', 'fs fsx fsi'],
  ['go', 'Go', 'go'],
  ['graphql', 'GraphQL', 'graphql gql'],
  ['groovy', 'Groovy', 'groovy gradle'],
  ['handlebars', 'Handlebars', 'hbs handlebars'],
  ['haskell', 'Haskell', 'hs'],
  ['html', 'HTML', 'html htm xhtml'],
  ['ini', 'Ini', 'ini cfg conf'],
  ['jade', 'Pug', 'pug jade'],
  ['java', 'Java', 'java'],
  ['javascript', 'JavaScript', 'js mjs cjs es6'],
  ['javascriptreact', 'JavaScript JSX', 'jsx'],
  ['json', 'JSON', 'json'],
  ['jsonc', 'JSON with Comments', 'jsonc json5'],
  ['julia', 'Julia', 'jl'],
  ['kotlin', 'Kotlin', 'kt kts'],
  ['latex', 'LaTeX', 'tex sty cls'],
  ['less', 'Less', 'less'],
  ['lua', 'Lua', 'lua'],
  ['makefile', 'Makefile', 'mk makefile'],
  ['markdown', 'Markdown', 'md markdown mdx'],
  ['nix', 'Nix', 'nix'],
  ['objective-c', 'Objective-C', 'm mm'],
  ['ocaml', 'OCaml', 'ml mli'],
  ['pascal', 'Pascal', 'pas dpr'],
  ['perl', 'Perl', 'pl pm'],
  ['php', 'PHP', 'php'],
  ['plaintext', 'Plain Text', 'txt text'],
  ['powershell', 'PowerShell', 'ps1 psm1 psd1'],
  ['prompty', 'Prompt Template', 'prompty'],
  ['proto3', 'Protocol Buffers', 'proto'],
  ['python', 'Python', 'py pyi pyw'],
  ['r', 'R', 'r rmd'],
  ['restructuredtext', 'reStructuredText', 'rst'],
  ['ruby', 'Ruby', 'rb rake gemspec'],
  ['rust', 'Rust', 'rs'],
  ['scala', 'Scala', 'scala sc sbt'],
  ['scss', 'SCSS', 'scss sass'],
  ['shellscript', 'Shell Script', 'sh bash zsh fish ksh'],
  ['sql', 'SQL', 'sql'],
  ['svelte', 'Svelte', 'svelte'],
  ['swift', 'Swift', 'swift'],
  ['terraform', 'Terraform', 'tf hcl'],
  ['toml', 'TOML', 'toml'],
  ['typescript', 'TypeScript', 'ts mts cts'],
  ['typescriptreact', 'TypeScript JSX', 'tsx'],
  ['vb', 'Visual Basic', 'vb bas'],
  ['vue', 'Vue', 'vue'],
  ['xml', 'XML', 'xml xsd xsl xslt'],
  ['yaml', 'YAML', 'yaml yml'],
  ['zig', 'Zig', 'zig'],
];

const BY_ENDING = new Map(
  LANGUAGES.flatMap(([language, , endings]) => endings.split(' ').map((end) => [end, language])),
);
const TITLES = new Map(LANGUAGES.map(([language, title]) => [language, title]));

/**
 * The language of a file by its name: by its ending, or by the name itself where that says it (`Makefile`).
 * @returns null for a file that nobody writes by hand, or whose kind is not known
 */
export function languageOf(name: string): string | null {
  const small = name.toLowerCase();
  const ending = small.slice(small.lastIndexOf('.') + 1);
  return BY_ENDING.get(ending) ?? BY_ENDING.get(small.split('.')[0]!.replace(/^gnu/, '')) ?? null;
}

export const languageTitle = (language: string): string => TITLES.get(language) ?? language;

/** Every language that can be chosen. */
export const languages = (): string[] => LANGUAGES.map(([language]) => language);

/** Written by programs more often than by people. */
const DATA = new Set(['json', 'jsonc', 'xml', 'plaintext', 'bibtex']);

/** Whether a language is learnt where nothing is chosen. */
export const isSuggested = (language: string): boolean => !DATA.has(language);

const PROSE = new Set(['markdown', 'plaintext', 'latex', 'restructuredtext', 'prompty', 'html']);

/** Whether people write it in paragraphs, each a line, perhaps. */
export const isProse = (language: string): boolean => PROSE.has(language);

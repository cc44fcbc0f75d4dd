/**
 * Words that are among the most frequent of a language: its articles, pronouns, prepositions and particles. A text is told
 * by them as by Grefenstette, “Comparing two language identification schemes” (1995). Single letters, which
 * stand in formulas, too, and words that are as frequent in English, are left out of the others.
 */
const WORDS = {
  da: 'og det som en på er af ikke jeg med den et om har til var men så vi kan fra der de mig',
  de: 'der und die nicht ich das ist mit sie den auf für ein zu von dem eine auch sich wie wird bei noch wir aber',
  en: 'the to and a of in is it you that for on with are this be i not have was my can but from at as or we they your an if so will has do me what',
  es: 'de la que el en los las un una por con para se del es su lo como más pero muy mi está al fue',
  fi: 'ja ei se että en oli mutta kun ole hän niin mitä minä sen nyt olen tämä jos myös vain joka kuin ovat hyvin',
  fr: 'de la le les et est un une des du que qui dans pas pour sur au ne se ce il je nous vous avec',
  id: 'yang dan di ini itu tidak saya untuk dengan dari ada ke akan bisa dalam sudah pada juga kami anda sangat masih',
  it: 'di che il la per un una non sono con del della le mi si ma ho come anche nel più questo gli ed',
  nl: 'de het een en van ik niet dat te op met zijn voor er maar ook aan om naar heb wel bij nog',
  no: 'og det som en på er av ikke jeg med den et om har til var men så vi kan fra der de meg',
  pl: 'nie na się że jest jak po ale tak za od czy już mi ten być przez jestem bardzo',
  pt: 'de que os um uma não para com em da na se por mais muito meu minha está foi ao dos você',
  ro: 'de și în la nu că pe un cu este din mai care pentru sunt ce dar fi au al foarte',
  sv: 'och att det som en på är av för inte jag med den ett om har till var men så vi kan från',
} as const;

const LISTS = new Map(Object.entries(WORDS).map(([code, words]) => [code, new Set(words.split(' '))]));

/** Fewer words say little; nor do a few of them that come again and again, as “de la” in names of places. */
const FEWEST_WORDS = 50;
const FEWEST_DIFFERENT = 8;
/** Share of the words, and how many times that of any language of the model: running text has a quarter or more. */
const LEAST_SHARE = 0.1;
const TIMES = 2;

export interface OtherLanguage {
  code: string;
  /** Of the texts' words, 0 to 1, those that are frequent in this language, and in the nearest of the model's. */
  share: number;
  of: { code: string; share: number };
}

/**
 * The language that texts in Latin script are plainly written in, where it is none of a model's; null where it is one,
 * where it is none that is known here, where that is not plain, and where one of the model's is not known here.
 * @param codes of the model's languages, as ISO 639
 */
export function otherLanguage(codes: readonly string[], text: string): OtherLanguage | null {
  const own = codes.map(listOf);
  if (own.length === 0 || own.some((code) => code === null)) return null;
  const words = text.toLowerCase().match(/\p{L}[\p{L}\p{M}]*/gu) ?? [];
  if (words.length < FEWEST_WORDS) return null;
  const shares = [...LISTS].map(([code, list]) => {
    const found = words.filter((word) => list.has(word));
    return { code, share: found.length / words.length, different: new Set(found).size };
  });
  const best = (some: typeof shares) => some.reduce((a, b) => (b.share > a.share ? b : a));
  const { code, share, different } = best(shares);
  const of = best(shares.filter((one) => own.includes(one.code)));
  const isPlain = share >= LEAST_SHARE && different >= FEWEST_DIFFERENT && share >= TIMES * of.share;
  return isPlain && !own.includes(code) ? { code, share, of: { code: of.code, share: of.share } } : null;
}

/** The list of a model's language: that of `en-GB` is English's, and both Norwegian standards have one. */
function listOf(code: string): string | null {
  const [language = ''] = code.toLowerCase().split('-');
  const known = ['nb', 'nn'].includes(language) ? 'no' : language;
  return LISTS.has(known) ? known : null;
}

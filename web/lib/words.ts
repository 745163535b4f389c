/** Words of scripts in the page's language. The English text is the key; what a language does not know stays English. */

const language = typeof document === 'undefined' ? 'en' : document.documentElement.lang;
/** The other languages are chunks of their own: readers of English never fetch them. */
const known: Record<string, string> = language === 'ar' ? { ...(await import('../lang/ar.ts')).ar } : {};

/** Adds the words of a part that is loaded by itself, in the page's language. */
export async function learn(words: Record<string, () => Promise<{ ar: Record<string, string> }>>): Promise<void> {
  const load = words[language];
  if (load) Object.assign(known, (await load()).ar);
}

/** First-strong isolates keep a value together in text of the other direction. */
const value = (v: string | number): string => (language === 'ar' ? `\u2068${v}\u2069` : String(v));

/** A text, with `{}` filled by values in order. */
export function t(en: string, ...values: (string | number)[]): string {
  let at = 0;
  return (known[en] ?? en).replaceAll('{}', () => value(values[at++] ?? ''));
}

/** A count in words: `one` for 1, else `many`, both with `{}` for the number. Languages with more forms separate theirs by `|`. */
export function n(count: number, one: string, many: string): string {
  const forms = known[many]?.split('|');
  if (!forms) return (count === 1 ? one : many).replace('{}', count.toLocaleString('en'));
  const order = ['zero', 'one', 'two', 'few', 'many', 'other'];
  const form = forms[order.indexOf(new Intl.PluralRules(language).select(count))] ?? forms.at(-1) ?? many;
  return form.trim().replace('{}', value(count.toLocaleString('en')));
}

/** For dates: day before month, Latin digits. */
export const locale = language === 'ar' ? 'ar-u-nu-latn' : 'en-GB';

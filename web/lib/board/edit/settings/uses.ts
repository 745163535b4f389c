/** Where a variable is used, and its name in all those places. */
import { type BoardJson, type Json, type PanelJson, every } from '../draft.ts';
import { t } from './words.ts';
import { variablesOf } from './variable.ts';

/** Places of a variable in a text: `$x`, `${x}`, `${x.text}`, `${x:csv}`, `[[x]]`, `[[x:csv]]`. */
function places(name: string): RegExp {
  const word = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\$${word}(?![A-Za-z0-9_])|\\$\\{${word}(?=[.:}])|\\[\\[${word}(?=[:\\]])`, 'g');
}

export interface Uses {
  panels: PanelJson[];
  /** Other places, in words. */ others: string[];
}

/** Who uses the variable: panels by their queries, titles and repeats, then the rest of the dashboard. */
export function usesOf(json: BoardJson, name: string): Uses {
  const pattern = places(name),
    has = (value: unknown) => {
      pattern.lastIndex = 0;
      return pattern.test(JSON.stringify(value ?? null));
    };
  const panels = [...every(json)].map(([panel]) => panel).filter((panel) => panel.repeat === name || has({ ...panel, panels: undefined }));
  const others = variablesOf(json)
    .filter((one) => one.name !== name && has(one))
    .map((one) => t('the variable {}', one.name));
  const named = (list: unknown, word: (name: string) => string, key: string) => {
    if (Array.isArray(list)) for (const one of list) if (has(one)) others.push(word(String((one as Record<string, unknown>)?.[key] ?? '')));
  };
  named((json.annotations as { list?: unknown } | undefined)?.list, (n) => t('the annotations {}', n), 'name');
  named(json.links, (n) => t('the link {}', n), 'title');
  if (has(json.title)) others.push(t('the title'));
  return { panels, others };
}

/** Gives a variable another name wherever the dashboard says it. */
export function rename(json: BoardJson, old: string, name: string): void {
  const pattern = places(old);
  const said = (text: string) => text.replace(pattern, (place) => place.replace(old, () => name));
  const walk = (value: Json): Json => {
    if (typeof value === 'string') return said(value);
    if (Array.isArray(value)) {
      value.forEach((one, at) => {
        value[at] = walk(one);
      });
      return value;
    }
    if (value && typeof value === 'object') for (const key of Object.keys(value)) value[key] = walk(value[key] as Json);
    return value;
  };
  walk(json as unknown as Json);
  for (const [panel] of every(json)) if (panel.repeat === old) panel.repeat = name;
  for (const one of variablesOf(json)) if (one.name === old) one.name = name;
}

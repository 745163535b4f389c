/** Links of a dashboard as Grafana's classic JSON has them. */
import type { BoardJson, Json, Obj } from '../draft.ts';
import { t } from './words.ts';

export type LinkJson = Obj & { title: string };

export const linksOf = (json: BoardJson): LinkJson[] =>
  Array.isArray(json.links) ? (json.links as Json[]).filter((one): one is LinkJson => !!one && typeof one === 'object') : [];
/** The same to be changed, made where the JSON has none. */
export function linksIn(json: BoardJson): LinkJson[] {
  const list = linksOf(json);
  json.links = list;
  return list;
}

/** Whether it lists dashboards by their tags. */
export const isList = (one: LinkJson): boolean => (one.type ? one.type === 'dashboards' : !one.url);

/** A new one. */
export const fresh = (): LinkJson => ({
  asDropdown: true,
  icon: 'external link',
  includeVars: false,
  keepTime: true,
  tags: [],
  targetBlank: false,
  title: '',
  tooltip: '',
  type: 'dashboards',
  url: '',
});

/** Why a browser would not follow it, in words; empty for nothing. Variables may stand in it. */
export function wrongUrl(url: string): string {
  if (!url.trim()) return t('A link needs an address.');
  return /^(https?:\/\/|\/|\?|#|\$|\[\[|mailto:)/i.test(url.trim()) ? '' : t('An address begins with https://, http:// or /.');
}

export const tagsOf = (one: LinkJson): string[] => (Array.isArray(one.tags) ? one.tags.map(String) : []);
/** Where it leads, in a line. */
export const summary = (one: LinkJson): string => (isList(one) ? tagsOf(one).join(' + ') : String(one.url ?? ''));

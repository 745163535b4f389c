/** The names of the fields that a panel shows, asked for when somebody has to name one. */
import * as page from '../../../page_range.ts';
import type { PanelJson } from '../draft.ts';
import type { Host } from '../host.ts';
import type { Answer } from '../../data.ts';
import { alone, asTable, asked } from './turn.ts';
import type { Work } from './work.ts';

/** Most names that are offered. */
const NAMES_MAX = 500;
let last: { key: string; found: Promise<string[]> } | null = null;

/** Names of fields; `steps`: as they are after so many transformations, all of them unless it says. */
export function fieldNames(work: Work, host: Host, steps?: number): Promise<string[]> {
  const panel = work.panel;
  if (!panel) return Promise.resolve([]);
  const all = Array.isArray(panel.transformations) ? panel.transformations : [],
    config = panel.fieldConfig as { defaults?: object; overrides?: unknown[] } | undefined;
  const upTo = { ...panel, fieldConfig: { ...config, overrides: [] }, transformations: all.slice(0, steps ?? all.length) } as PanelJson;
  const key = asked(work.draft.json, upTo);
  if (last?.key !== key)
    last = { key, found: ask(work, host, { ...asTable(upTo), transformations: upTo.transformations } as PanelJson).catch(() => []) };
  return last.found;
}

async function ask(work: Work, host: Host, panel: PanelJson): Promise<string[]> {
  const r = page.get(),
    found = new Set<string>();
  const body = JSON.stringify({
    from: r.from,
    to: r.to,
    vars: host.makes.variables(location.search),
    draft: alone(work.draft.json, panel),
    panels: [{ key: String(panel.id), w: 600, h: 300 }],
  });
  const res = await fetch(host.el.dataset.src ?? '', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-requested-with': 'pharos' },
  });
  if (!res.ok) return [];
  // One panel, of which heads of columns are wanted: there is nothing to be gained from reading it as it comes.
  for (const line of (await res.text()).split('\n').filter(Boolean)) {
    const html = new DOMParser().parseFromString((JSON.parse(line) as Answer).html ?? '', 'text/html');
    html.querySelectorAll('th').forEach((head) => {
      if (found.size < NAMES_MAX && head.textContent) found.add(head.textContent);
    });
  }
  return [...found];
}

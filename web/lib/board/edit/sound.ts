/** JSON of a dashboard as it can be changed: panels are a list, each has a number of its own, those of open rows stand on the grid. */
import type { BoardJson, Json, Obj, PanelJson } from './draft.ts';
import { COLUMNS } from './places.ts';

const isObject = (value: unknown): value is Obj => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): PanelJson[] => (Array.isArray(value) ? (value.filter(isObject) as unknown as PanelJson[]) : []);

/** Rows of dashboards before Grafana 5: twelfths of a width, and heights in pixels. */
const CELL_PIXELS = 38,
  ROW_PIXELS = 250,
  PIXELS_MIN = 90,
  HEIGHT_MAX = 200,
  SPAN = 4;
const height = (given: Json | undefined, absent: number): number => {
  const pixels = typeof given === 'string' ? parseFloat(given) : typeof given === 'number' ? given : NaN;
  return pixels > 0 ? Math.min(HEIGHT_MAX, Math.ceil(Math.max(PIXELS_MIN, pixels) / CELL_PIXELS)) : absent;
};
const rowHeight = Math.ceil(ROW_PIXELS / CELL_PIXELS);

function ofRows(rows: Obj[]): PanelJson[] {
  const panels: PanelJson[] = [],
    named = rows.some((row) => row.collapse || row.showTitle || row.repeat);
  let y = 0;
  for (const row of rows.filter((one) => !('repeatIteration' in one))) {
    const high = height(row.height, rowHeight),
      top = named ? y + 1 : y;
    let x = 0,
      line = top,
      lowest = top + high;
    const inside = list(row.panels).map((panel) => {
      const w = Math.min(COLUMNS, Math.max(1, Math.floor(Number(panel.span) >= 1 ? Math.min(12, Number(panel.span)) : SPAN) * 2)),
        h = height(panel.height as Json, high);
      if (x + w > COLUMNS) {
        x = 0;
        line = lowest;
      }
      const gridPos = { x, y: line, w, h };
      x += w;
      lowest = Math.max(lowest, line + h);
      return { ...panel, gridPos };
    });
    if (named)
      panels.push({
        id: 0,
        type: 'row',
        title: String(row.title ?? ''),
        collapsed: !!row.collapse,
        gridPos: { x: 0, y, w: COLUMNS, h: 1 },
        panels: row.collapse ? inside : [],
        ...(row.repeat ? { repeat: row.repeat } : {}),
      });
    if (!(named && row.collapse)) panels.push(...inside);
    y = named && row.collapse ? top : lowest;
  }
  return panels;
}

/** Gives every panel a number of its own, as the server does; the first with a number keeps it. */
function number(panels: PanelJson[]): void {
  const every = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]),
    is = (id: unknown): number => {
      const n = typeof id === 'string' && id.trim() ? Number(id) : id;
      return typeof n === 'number' && n >= 1 && n < 2_147_483_647 ? Math.trunc(n) : 0;
    };
  const taken = new Set<number>();
  let next = 1 + Math.max(0, ...every.map((panel) => is(panel.id)));
  for (const panel of every) {
    const id = is(panel.id);
    panel.id = id && !taken.has(id) ? id : next++;
    taken.add(panel.id);
  }
}

/** A copy that can be changed. What is no dashboard at all gives an empty one with its title. */
export function sound(given: unknown): BoardJson {
  const json = structuredClone(isObject(given) ? given : {}) as unknown as BoardJson;
  const rows = list(json.rows) as unknown as Obj[];
  json.title = typeof json.title === 'string' ? json.title : '';
  const old = list(json.panels).length === 0 && rows.length > 0;
  json.panels = old ? ofRows(rows) : list(json.panels);
  if (old) delete json.rows;
  for (const panel of json.panels) if (panel.panels !== undefined) panel.panels = list(panel.panels);
  number(json.panels);
  // Panels that an open row holds are shown below it.
  json.panels = json.panels.flatMap((panel) => {
    if (panel.type !== 'row' || panel.collapsed || !panel.panels?.length) return [panel];
    const inside = panel.panels;
    return [{ ...panel, panels: [] }, ...inside];
  });
  return json;
}

/** A dashboard without anything on it. */
export const empty = (title: string): BoardJson => ({
  title,
  tags: [],
  schemaVersion: 42,
  editable: true,
  graphTooltip: 1,
  time: { from: 'now-6h', to: 'now' },
  refresh: '',
  timezone: 'browser',
  templating: { list: [] },
  annotations: { list: [] },
  links: [],
  panels: [],
});

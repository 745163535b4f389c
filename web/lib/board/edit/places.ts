/** Where panels stand on the grid while they are moved: the rule of the server (everything moves up as far as it can, a row goes from edge to edge), and which of two gives way. */
import type { BoardJson, GridPos, PanelJson } from './draft.ts';

export const COLUMNS = 24;
/** Lines that a panel has at least when people size it. */
export const panelHeightMin = 2;
const ROWS_MAX = 10_000;
const HEIGHT_MAX = 200;

/** A panel or row that stands on the grid. */
export interface Spot extends GridPos {
  id: number;
  isRow: boolean;
}

const count = (value: unknown, absent: number, max: number): number => {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? Math.min(max, Math.max(0, Math.floor(number))) : absent;
};
/** A place as the server reads it. */
export function placeOf(panel: PanelJson): GridPos {
  const given = (panel.gridPos ?? {}) as Partial<GridPos>,
    w = Math.max(1, count(given.w, COLUMNS, COLUMNS));
  if (panel.type === 'row') return { x: 0, y: count(given.y, 0, ROWS_MAX), w: COLUMNS, h: 1 };
  return {
    x: Math.min(count(given.x, 0, COLUMNS), COLUMNS - w),
    y: count(given.y, 0, ROWS_MAX),
    w,
    h: Math.max(1, count(given.h, 8, HEIGHT_MAX)),
  };
}

const inOrder = (spots: Spot[]): Spot[] => [...spots].sort((a, b) => a.y - b.y || a.x - b.x);
const beside = (a: GridPos, b: GridPos): boolean => a.x < b.x + b.w && b.x < a.x + a.w;
const overlap = (a: GridPos, b: GridPos): boolean => beside(a, b) && a.y < b.y + b.h && b.y < a.y + a.h;

/** Each takes room in its turn, as high as it can stand in its columns. */
function settle(ordered: Spot[]): Spot[] {
  const skyline = new Array<number>(COLUMNS).fill(0);
  return ordered.map((spot) => {
    const y = Math.max(...skyline.slice(spot.x, spot.x + spot.w));
    skyline.fill(y + spot.h, spot.x, spot.x + spot.w);
    return { ...spot, y };
  });
}

/** What stands on the grid of a dashboard, in reading order. Panels of collapsed rows do not. */
export const spots = (json: BoardJson): Spot[] =>
  settle(inOrder(json.panels.map((panel) => ({ id: panel.id, isRow: panel.type === 'row', ...placeOf(panel) }))));

/** Puts a spot among others. `isAbove` says of a panel of the same part whether it keeps its place above the spot. */
function among(others: Spot[], spot: Spot, isAbove: (other: Spot) => boolean): Spot[] {
  const rows = others.filter((other) => other.isRow);
  const begin = Math.max(-1, ...rows.filter((row) => row.y < spot.y).map((row) => row.y)),
    end = Math.min(Infinity, ...rows.filter((row) => row.y >= spot.y).map((row) => row.y));
  const above: Spot[] = [],
    below: Spot[] = [];
  for (const other of inOrder(others)) {
    // What stands on something that gives way gives way with it.
    const keeps = other.isRow
      ? other.y < spot.y
      : other.y < begin || (other.y < end && isAbove(other) && !below.some((one) => beside(one, other) && one.y + one.h <= other.y));
    (keeps ? above : below).push(other);
  }
  return settle([...above, spot, ...below]);
}

/** A new spot at a place: what stands there gives way. */
const put = (all: Spot[], spot: Spot): Spot[] => among(all, spot, (other) => other.y + other.h <= spot.y);

/** A row that is moved takes its panels along, unless it is collapsed and has none on the grid. */
function moveRow(all: Spot[], row: Spot, y: number, isCollapsed: boolean): Spot[] {
  const end = Math.min(Infinity, ...all.filter((other) => other.isRow && other.y > row.y).map((other) => other.y));
  const isOwn = (spot: Spot): boolean => spot.id === row.id || (!isCollapsed && !spot.isRow && spot.y > row.y && spot.y < end);
  const own = all.filter(isOwn),
    others = all.filter((spot) => !isOwn(spot));
  const next = y <= 0 ? 0 : others.findIndex((other) => other.isRow && other.y >= y),
    at = next < 0 ? others.length : next;
  return settle([...others.slice(0, at), ...own, ...others.slice(at)]);
}

/** How it looks once a panel or row is at another place, or of another size. `all` as `spots` gives it. */
export function moved(all: Spot[], id: number, to: Partial<GridPos>, isCollapsed = false): Spot[] {
  const from = all.find((spot) => spot.id === id);
  if (!from) return all;
  if (from.isRow) return moveRow(all, from, to.y ?? from.y, isCollapsed);
  const w = Math.min(COLUMNS, Math.max(1, Math.round(to.w ?? from.w))),
    h = Math.min(HEIGHT_MAX, Math.max(1, Math.round(to.h ?? from.h)));
  const is: Spot = {
    ...from,
    w,
    h,
    x: Math.min(COLUMNS - w, Math.max(0, Math.round(to.x ?? from.x))),
    y: Math.min(ROWS_MAX, Math.max(0, Math.round(to.y ?? from.y))),
  };
  const others = all.filter((spot) => spot.id !== id);
  if (w !== from.w || h !== from.h) return put(others, is);
  // Of two that are alike in one part, one takes the place of the other.
  const shared = (other: Spot): number => Math.max(0, w - Math.abs(other.x - is.x)) * Math.max(0, h - Math.abs(other.y - is.y));
  const twin = others.find((other) => !other.isRow && other.w === w && other.h === h && shared(other) * 2 >= w * h);
  const isApart = (other: GridPos): boolean =>
    all.some((row) => row.isRow && row.y >= Math.min(other.y, from.y) && row.y < Math.max(other.y, from.y));
  if (twin && !isApart(twin)) {
    return settle(
      inOrder([...others.map((other) => (other === twin ? { ...other, x: from.x, y: from.y } : other)), { ...is, x: twin.x, y: twin.y }]),
    );
  }
  // Past the middle of another panel it changes places with it: with its lower edge, where that stood below.
  const isDown = is.y > from.y && !isApart(is);
  return among(others, is, (other) => other.y + other.h / 2 <= (isDown && other.y >= from.y + from.h ? is.y + h : is.y));
}

/** The part of the grid that begins with a row, or at the top; where it ends. */
function part(all: Spot[], row?: number): { panels: Spot[]; top: number; bottom: number } {
  const own = all.find((spot) => spot.id === row),
    top = own ? own.y + 1 : 0;
  const end = Math.min(Infinity, ...all.filter((spot) => spot.isRow && spot.y >= top).map((spot) => spot.y));
  const panels = all.filter((spot) => !spot.isRow && spot.y >= top && spot.y < end);
  return { panels, top, bottom: Math.max(top, ...panels.map((spot) => spot.y + spot.h)) };
}

/** Where a new panel stands: the first free place of a row, or above all rows; else below what is there. */
function free(all: Spot[], w: number, h: number, row?: number): GridPos {
  const { panels, top, bottom } = part(all, row);
  for (let y = top; y < bottom; y++)
    for (let x = 0; x + w <= COLUMNS; x++) {
      const place = { x, y, w, h };
      if (!panels.some((panel) => overlap(panel, place))) return place;
    }
  return { x: 0, y: bottom, w, h };
}

/** Writes places into a dashboard, and its panels in reading order, as Grafana does. */
export function write(json: BoardJson, all: Spot[]): void {
  const places = new Map(all.map(({ id, x, y, w, h }) => [id, { x, y, w, h }]));
  for (const panel of json.panels) {
    const to = places.get(panel.id),
      is = panel.gridPos as Partial<GridPos> | undefined;
    if (to && !(is?.x === to.x && is.y === to.y && is.w === to.w && is.h === to.h)) panel.gridPos = { ...panel.gridPos, ...to };
  }
  const order = new Map(all.map((spot, at) => [spot.id, at]));
  // Places of the same height are ordered by column.
  inOrder(all).forEach((spot, at) => order.set(spot.id, at));
  json.panels.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

const stands = (json: BoardJson, panel: PanelJson, place: GridPos): void => {
  const all = put(spots(json), { id: panel.id, isRow: panel.type === 'row', ...place });
  json.panels.push({ ...panel, gridPos: place });
  write(json, all);
};

/** Adds a panel, of the size its place says: into a row, or above all rows. */
export function add(json: BoardJson, panel: PanelJson, row?: number): void {
  const { w, h } = placeOf(panel);
  stands(json, panel, free(spots(json), w, h, row));
}

/** Adds a row below everything. */
export function addRow(json: BoardJson, row: PanelJson): void {
  stands(json, row, { x: 0, y: Math.max(0, ...spots(json).map((spot) => spot.y + spot.h)), w: COLUMNS, h: 1 });
}

/** Adds a copy of a panel: to the right where that is free, else below. */
export function duplicate(json: BoardJson, id: number, copy: number): void {
  const panel = json.panels.find((one) => one.id === id),
    all = spots(json),
    from = all.find((spot) => spot.id === id);
  if (!panel || !from || from.isRow) return;
  const { w, h } = from,
    right = { x: from.x + w, y: from.y, w, h };
  const isFree = right.x + w <= COLUMNS && !all.some((spot) => overlap(spot, right));
  stands(json, { ...structuredClone(panel), id: copy }, isFree ? right : { x: from.x, y: from.y + h, w, h });
}

/** Takes a panel away, wherever it stands. */
export function remove(json: BoardJson, id: number): void {
  const others = (list: PanelJson[]): PanelJson[] => list.filter((panel) => panel.id !== id || panel.type === 'row');
  json.panels = others(json.panels);
  for (const panel of json.panels) if (panel.panels) panel.panels = others(panel.panels);
  write(json, spots(json));
}

/** Takes a row away; its panels go along, or stay where they are. */
export function removeRow(json: BoardJson, id: number, takesPanels: boolean): void {
  const row = json.panels.find((one) => one.id === id && one.type === 'row');
  if (!row) return;
  if (takesPanels) {
    const own = row.collapsed ? new Set<number>() : new Set(part(spots(json), id).panels.map((spot) => spot.id));
    json.panels = json.panels.filter((panel) => panel !== row && !own.has(panel.id));
  } else {
    if (row.collapsed) expand(json, id);
    json.panels = json.panels.filter((panel) => panel.id !== id);
  }
  write(json, spots(json));
}

/** Closes a row: its panels stand in it from then on. */
export function collapse(json: BoardJson, id: number): void {
  const row = json.panels.find((one) => one.id === id && one.type === 'row');
  if (!row || row.collapsed) return;
  write(json, spots(json));
  const own = new Set(part(spots(json), id).panels.map((spot) => spot.id));
  row.panels = json.panels.filter((panel) => own.has(panel.id));
  row.collapsed = true;
  json.panels = json.panels.filter((panel) => !own.has(panel.id));
  write(json, spots(json));
}

/** How the others stand where one is not. */
export const without = (all: Spot[], id: number): Spot[] => settle(inOrder(all.filter((spot) => spot.id !== id)));

/** Puts a panel into a closed row, below what is in that. */
export function into(json: BoardJson, id: number, row: number): void {
  const panel = json.panels.find((one) => one.id === id && one.type !== 'row'),
    closed = json.panels.find((one) => one.id === row && one.type === 'row' && one.collapsed);
  if (!panel || !closed) return;
  const is = placeOf(panel),
    end = Math.max(placeOf(closed).y + 1, ...(closed.panels ?? []).map(placeOf).map((place) => place.y + place.h));
  closed.panels = [...(closed.panels ?? []), { ...panel, gridPos: { ...panel.gridPos, ...is, y: end } }];
  json.panels = json.panels.filter((one) => one !== panel);
  write(json, spots(json));
}

/** Opens a row: its panels stand below it again, and what is below moves down. */
export function expand(json: BoardJson, id: number): void {
  const row = json.panels.find((one) => one.id === id && one.type === 'row');
  if (!row?.collapsed) return;
  const all = spots(json),
    at = all.findIndex((spot) => spot.id === id),
    inner = inOrder((row.panels ?? []).map((panel) => ({ id: panel.id, isRow: false, ...placeOf(panel) })));
  json.panels.push(...(row.panels ?? []));
  row.panels = [];
  row.collapsed = false;
  write(json, settle([...all.slice(0, at + 1), ...inner, ...all.slice(at + 1)]));
}

/** Another type for a panel: what fits stays, what the new type needs is added. No DOM. */
import { freeId, every, type BoardJson, type Json, type Obj, type PanelJson } from '../draft.ts';
import { fits } from './control.ts';
import { asks, isOlder, kindOf, type Kind } from './kinds.ts';
import { at, object, put, same } from './path.ts';
import { FIELD, initialOf, optionsOf } from './schema.ts';

const CUSTOM = `${FIELD}custom.`;
/** What only older types have. */
const OLDER_NAMES = [
  'yaxes',
  'xaxis',
  'yaxis',
  'lines',
  'linewidth',
  'fill',
  'fillGradient',
  'bars',
  'points',
  'pointradius',
  'nullPointMode',
  'stack',
  'percentage',
  'steppedLine',
  'legend',
  'seriesOverrides',
  'aliasColors',
  'thresholds',
  'valueName',
  'valueMaps',
  'rangeMaps',
  'mappingTypes',
  'mappingType',
  'gauge',
  'sparkline',
  'colorValue',
  'colorBackground',
  'colors',
  'format',
  'prefix',
  'postfix',
  'styles',
  'columns',
  'renderer',
  'tooltip',
  'timeRegions',
  'dashes',
  'dashLength',
  'spaceLength',
  'nullText',
  'valueFontSize',
  'prefixFontSize',
  'postfixFontSize',
  'tableColumn',
  'transform',
  'fontSize',
  'showHeader',
  'scroll',
  'sort',
  'pageSize',
];

/** The panel as one of another kind. */
export function turned(panel: PanelJson, kind: Kind): PanelJson {
  const before = panel as unknown as Obj,
    next = structuredClone(before),
    was = kindOf(panel.type);
  next.type = kind;
  if (isOlder(panel.type)) for (const name of OLDER_NAMES) delete next[name];
  const options: Obj = {},
    holder: Obj = { options };
  const custom: Obj = {},
    fields: Obj = { fieldConfig: { defaults: { custom } } };
  for (const one of optionsOf(kind)) {
    const held = at(before, one.path),
      stays = fits(one.control, held) ? held : undefined;
    if (one.path.startsWith('options.')) {
      const value = stays ?? initialOf(one, kind);
      if (value !== undefined) put(holder, one.path, structuredClone(value));
    } else if (one.path.startsWith(CUSTOM) && stays !== undefined) put(fields, one.path, structuredClone(stays));
  }
  next.options = options;
  if (!asks(kind)) {
    for (const name of ['targets', 'transformations', 'fieldConfig', 'datasource', 'interval', 'maxDataPoints', 'timeFrom', 'timeShift'])
      delete next[name];
    return next as unknown as PanelJson;
  }
  if (was && !asks(was) && !Array.isArray(next.targets)) next.targets = [{ refId: 'A', expr: '' }];
  const config = object(next.fieldConfig) ?? {},
    defaults = object(config.defaults) ?? {};
  if (Object.keys(custom).length) defaults.custom = custom;
  else delete defaults.custom;
  const overrides = Array.isArray(config.overrides) ? config.overrides : [];
  next.fieldConfig = { ...config, defaults, overrides: overrides.map((one) => kept(one, kind)).filter((one) => one !== null) };
  return next as unknown as PanelJson;
}

/** An override without what the kind does not have; null where nothing is left. */
function kept(json: Json, kind: Kind): Json | null {
  const one = object(json);
  if (!one || !Array.isArray(one.properties)) return json;
  const known = new Set(optionsOf(kind).map((option) => option.path));
  const properties = one.properties.filter((property) => {
    const id = object(property)?.id;
    return typeof id === 'string' && (!id.startsWith('custom.') || known.has(FIELD + id));
  });
  return properties.length ? { ...one, properties } : null;
}

/** Another source for a panel: its queries go there too, unless each says where it goes, or it asks other panels or queries. */
export function sourced(panel: Obj, source: Json | undefined): void {
  if (source === undefined) delete panel.datasource;
  else panel.datasource = source;
  if (at(source, 'uid') === '-- Mixed --' || !Array.isArray(panel.targets)) return;
  for (const json of panel.targets) {
    const one = object(json),
      own = at(one?.datasource, 'uid');
    if (
      !one ||
      one.datasource === undefined ||
      own === '__expr__' ||
      own === '-- Dashboard --' ||
      at(one.datasource, 'type') === '__expr__'
    )
      continue;
    if (source === undefined) delete one.datasource;
    else one.datasource = structuredClone(source);
  }
}

/** Where the letters of queries go on. */
export function freeLetter(taken: readonly string[]): string {
  for (let i = 0; ; i++) {
    const letter =
      i < 26 ? String.fromCharCode(65 + i) : `${String.fromCharCode(64 + Math.floor(i / 26))}${String.fromCharCode(65 + (i % 26))}`;
    if (!taken.includes(letter)) return letter;
  }
}

/** A dashboard that shows one panel of it alone; the others are there for queries that ask for their answers. */
export function alone(json: BoardJson, panel: PanelJson): BoardJson {
  const others = [...every(json)].map(([one]) => one).filter((one) => one.type !== 'row' && one.id !== panel.id);
  const { repeat: _repeat, ...shown } = panel as unknown as Obj;
  const row = {
    id: Math.max(freeId(json), panel.id + 1),
    type: 'row',
    title: '',
    collapsed: true,
    gridPos: { x: 0, y: 100, w: 24, h: 1 },
    panels: others,
  };
  return { ...json, panels: [{ ...shown, gridPos: { x: 0, y: 0, w: 24, h: 12 } } as unknown as PanelJson, row] };
}

/** What it takes to ask anew: names and places do not, variables and marks do. */
export function asked(json: BoardJson, panel: PanelJson): string {
  const { title, description, links, gridPos, transparent, repeat, repeatDirection, maxPerRow, libraryPanel, ...rest } =
    panel as unknown as Obj;
  return JSON.stringify([
    rest,
    typeof title === 'string' && /\$|\[\[/.test(title) ? title : '',
    json.templating ?? null,
    json.annotations ?? null,
  ]);
}

/** The panel as a table of what it shows. */
export function asTable(panel: PanelJson): PanelJson {
  const before = panel as unknown as Obj,
    kind = kindOf(panel.type),
    config = object(before.fieldConfig),
    defaults = object(config?.defaults);
  const { custom: _custom, ...plain } = defaults ?? {};
  const steps = Array.isArray(before.transformations) ? before.transformations : [];
  const overrides = (Array.isArray(config?.overrides) ? config.overrides : [])
    .map((one) => kept(one, 'table'))
    .filter((one) => one !== null);
  return {
    ...before,
    type: 'table',
    options: { showHeader: true, cellHeight: 'sm' },
    fieldConfig: { defaults: plain, overrides },
    transformations: kind === 'timeseries' && !steps.length ? [{ id: 'joinByField', options: { mode: 'outer' } }] : steps,
  } as unknown as PanelJson;
}

export const equal = (a: PanelJson | undefined, b: PanelJson | undefined): boolean => same(a, b);

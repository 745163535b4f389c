/** Panels that can be added: how large a new one is, and what it begins with. */
import { t } from '../../words.ts';
import type { PanelJson } from './draft.ts';
import { asks, type Kind } from './panel/kinds.ts';

const SIZES: Record<Kind, [number, number]> = {
  timeseries: [12, 8],
  stat: [6, 4],
  gauge: [6, 6],
  bargauge: [12, 6],
  table: [12, 8],
  barchart: [12, 8],
  piechart: [8, 8],
  heatmap: [12, 8],
  histogram: [12, 8],
  'state-timeline': [12, 6],
  'status-history': [12, 6],
  logs: [24, 9],
  text: [8, 4],
  alertlist: [8, 8],
  dashlist: [8, 8],
  annolist: [8, 8],
};

/** The built-in sources, as dashboards name them. */
const METRICS = { type: 'prometheus', uid: 'metrics' },
  LOGS = { type: 'loki', uid: 'logs' };

/** A new panel; where it stands is found when it is added. */
export function fresh(kind: Kind, id: number): PanelJson {
  const source = kind === 'logs' ? LOGS : METRICS,
    [w, h] = SIZES[kind];
  return {
    id,
    type: kind,
    title: kind === 'text' ? '' : t('New panel'),
    gridPos: { x: 0, y: 0, w, h },
    ...(asks(kind) ? { datasource: source, targets: [{ refId: 'A', datasource: source, expr: '' }] } : {}),
    fieldConfig: { defaults: {}, overrides: [] },
    options: kind === 'text' ? { mode: 'markdown', content: '' } : {},
  };
}

/** A new row. */
export const freshRow = (id: number): PanelJson => ({
  id,
  type: 'row',
  title: t('New row'),
  collapsed: false,
  gridPos: { x: 0, y: 0, w: 24, h: 1 },
  panels: [],
});

/** A panel that another page asked for: what stands behind the `#` of the address of an editor, as `pages/add.rs` writes it. No DOM. */
import type { PanelJson } from './draft.ts';
import { fresh } from './kinds.ts';
import type { Kind } from './panel/kinds.ts';

const QUERIES_MAX = 10,
  CHARS_MAX = 12_000,
  WORD_CHARS_MAX = 500;
/** A title is no longer than this; a longer query has the title of any new panel. */
const TITLE_CHARS_MAX = 60;
/** How stacked areas are filled, in percent. */
const FILL = 25;

const KINDS: Record<string, Kind> = { graph: 'timeseries', stacked: 'timeseries', stat: 'stat', table: 'table', logs: 'logs' };

/** The panel of an address; null where it asks for none. */
export function added(hash: string, id: number): PanelJson | null {
  const asked = new URLSearchParams(hash.replace(/^#/, '')),
    view = asked.get('add') ?? '',
    kind = Object.hasOwn(KINDS, view) ? KINDS[view] : undefined;
  const queries = asked.getAll('q').filter(Boolean),
    word = (name: string): string => (asked.get(name) ?? '').slice(0, WORD_CHARS_MAX);
  if (!kind || !queries.length || queries.length > QUERIES_MAX || queries.join('').length > CHARS_MAX) return null;
  const isLogQl = asked.get('lang') === 'logql',
    datasource = isLogQl ? { type: 'loki', uid: 'logs' } : { type: 'prometheus', uid: 'metrics' };
  const step = word('step'),
    legendFormat = word('legend'),
    unit = word('unit'),
    [first = ''] = queries;
  const now = kind === 'table' ? { ...(isLogQl ? { queryType: 'instant' } : { instant: true, range: false }), format: 'table' } : {};
  const panel = fresh(kind, id);
  return {
    ...panel,
    datasource,
    ...(queries.length === 1 && first.length <= TITLE_CHARS_MAX && !first.includes('$') ? { title: first } : {}),
    targets: queries.map((expr, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      expr,
      ...now,
      ...(legendFormat ? { legendFormat } : {}),
      ...(step ? { interval: /^\d+$/.test(step) ? `${step}s` : step } : {}),
    })),
    fieldConfig: {
      defaults: {
        ...(unit ? { unit } : {}),
        ...(view === 'stacked' ? { custom: { fillOpacity: FILL, stacking: { mode: 'normal', group: 'A' } } } : {}),
      },
      overrides: [],
    },
  };
}

/** A field for where queries go: metrics, logs, a variable for one of them, or the default. */
import { Select, type Choice } from './choose.tsx';
import type { Said } from './field.tsx';
import type { Json, Obj } from '../draft.ts';
import { t } from './words.ts';

/** The language that a source is asked in. */
export type Speaks = 'promql' | 'logql' | '';

const object = (json: unknown): Obj | null => (json && typeof json === 'object' && !Array.isArray(json) ? (json as Obj) : null);
const text = (json: unknown): string => (typeof json === 'string' ? json : '');
/** A source in one word: `type/uid`; older dashboards give a name alone. */
const written = (source: unknown): string => {
    const whole = object(source);
    if (!whole) return text(source) === 'default' ? '' : text(source);
    return whole.type || whole.uid ? `${text(whole.type)}/${text(whole.uid)}` : '';
};

/** Variables for sources that a dashboard has: name and kind. */
export function sourceVariables(board: unknown): { name: string; kind: string }[] {
    const list = object(object(board)?.templating)?.list;
    return (Array.isArray(list) ? list : [])
        .map(object)
        .flatMap((one) => (one && one.type === 'datasource' ? [{ name: text(one.name), kind: text(one.query) }] : []));
}

/** What a source speaks; `beside` is what counts where it says nothing. */
export function speaks(source: unknown, board: unknown, beside: Speaks = 'promql'): Speaks {
    const whole = object(source),
        name = text(whole ? whole.uid : source),
        kind = text(whole?.type);
    if ((!name || name === 'default' || name === '-- Mixed --') && (!kind || kind === 'mixed' || name === '-- Mixed --')) return beside;
    if (name === 'metrics' || name === 'Metrics') return 'promql';
    if (name === 'logs' || name === 'Logs') return 'logql';
    if (kind === 'loki') return 'logql';
    if (kind && kind !== 'datasource' && kind !== '__expr__' && kind !== 'grafana') return kind === 'alertmanager' ? '' : 'promql';
    if (kind) return '';
    const of = /^\$\{?(\w+)/.exec(name)?.[1],
        known = sourceVariables(board).find((one) => one.name === of);
    return (known?.kind ?? name).toLowerCase().includes('lo') && /loki|logs/i.test(known?.kind ?? name) ? 'logql' : 'promql';
}

export function SourceField({
    value,
    board,
    onChange,
    mixed,
    from,
    ...said
}: Said & {
    /** As the JSON has it. */ value: unknown;
    board: unknown;
    onChange: (source: Json | undefined) => void;
    /** Each query may have its own. */ mixed?: boolean;
    /** What the default is called, where it is another's. */ from?: string;
}) {
    const options: Choice[] = [
        { value: '', label: from ?? t('Default (metrics)') },
        { value: 'prometheus/metrics', label: t('Metrics') },
        { value: 'loki/logs', label: t('Logs') },
        ...sourceVariables(board).map((one) => ({ value: `${one.kind}/\${${one.name}}`, label: `$${one.name}` })),
        ...(mixed ? [{ value: 'datasource/-- Mixed --', label: t('Each query says') }] : []),
    ];
    const now = written(value);
    return (
        <Select
            {...said}
            value={now}
            options={options}
            onChange={(next) => {
                const at = next.indexOf('/');
                onChange(next === '' ? undefined : at < 0 ? next : { type: next.slice(0, at), uid: next.slice(at + 1) });
            }}
        />
    );
}

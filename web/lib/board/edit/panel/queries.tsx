/** The queries of a panel: what is asked, where, and how it went. */
import { useState } from 'preact/hooks';
import plus from 'icon:plus';
import copy from 'icon:copy';
import eye from 'icon:eye';
import eyeOff from 'icon:eye-off';
import help from 'icon:circle-help';
import play from 'icon:play';
import type { Json, Obj } from '../draft.ts';
import { Segmented, Select, Switch } from '../parts/choose.tsx';
import { Icon, IconButton } from '../parts/icon.tsx';
import { Explained, QueryField } from '../parts/query.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { SourceField, speaks } from '../parts/source.tsx';
import { NumberField, TextField } from '../parts/text.tsx';
import { n, t } from '../../../words.ts';
import { at, list, object, same, text } from './path.ts';
import { freeLetter, sourced } from './turn.ts';
import { useWork, type Fared } from './work.ts';

/** Most queries of a panel. */
const QUERIES_MAX = 50;

export function Queries({ fared }: { fared: Map<string, Fared> }) {
    const work = useWork(),
        board = work.draft.json,
        own = work.get('datasource');
    const targets = list(work.get('targets')).map((one) => object(one) ?? {});
    const letters = targets.map((one, i) => text(one.refId) || String.fromCharCode(65 + (i % 26)));
    const take = (what: string, next: Obj[], merge = '') =>
        work.change(
            what,
            (panel) => {
                panel.targets = next;
            },
            merge,
        );
    const change = (i: number, part: Obj, merge: string) =>
        take(
            t('Change query {}', letters[i] ?? ''),
            targets.map((one, j) => (j === i ? clean({ ...one, ...part }) : one)),
            `q${i} ${merge}`,
        );
    const add = (like: Obj = {}) => take(t('Add a query'), [...targets, { ...like, refId: freeLetter(letters) }]);
    const isMixed = text(at(own, 'uid')) === '-- Mixed --' || at(own, 'type') === 'mixed';
    return (
        <div class="pe-queries">
            <div class="pe-bar">
                <SourceField
                    label={t('Source of the queries')}
                    value={own}
                    board={board}
                    mixed
                    onChange={(next) => work.change(t('Change “{}”', t('Source of the queries')), (panel) => sourced(panel, next))}
                />
                <span class="grow" />
                <button type="button" class="btn sm" onClick={() => work.run()}>
                    <Icon svg={play} />
                    {t('Run')}
                </button>
            </div>
            <Reorder
                items={targets}
                named={(_, i) => t('Query {}', letters[i] ?? '')}
                id={(_, i) => letters[i] ?? String(i)}
                onChange={(next) => take(next.length < targets.length ? t('Remove a query') : t('Move a query'), next)}
                head={(one, i) => (
                    <Head
                        one={one}
                        letter={letters[i] ?? ''}
                        taken={letters}
                        fared={fared.get(letters[i] ?? '')}
                        onRename={(refId) => change(i, { refId }, 'letter')}
                    />
                )}
                beside={(one, i) => (
                    <>
                        <IconButton
                            svg={one.hide ? eyeOff : eye}
                            pressed={!one.hide}
                            label={t('Show query {}', letters[i] ?? '')}
                            onPress={() => change(i, { hide: one.hide ? (undefined as unknown as Json) : true }, 'hide')}
                        />
                        <IconButton
                            svg={copy}
                            label={t('Copy query {}', letters[i] ?? '')}
                            off={targets.length >= QUERIES_MAX}
                            onPress={() => add(one)}
                        />
                    </>
                )}
            >
                {(one, i) => (
                    <Query
                        key={letters[i]}
                        one={one}
                        letter={letters[i] ?? ''}
                        fared={fared.get(letters[i] ?? '')}
                        showSource={isMixed || (one.datasource !== undefined && !same(one.datasource, own))}
                        onChange={(part, merge) => change(i, part, merge)}
                    />
                )}
            </Reorder>
            {!targets.length && <p class="faint">{t('This panel asks nothing yet.')}</p>}
            <div class="pe-bar">
                <button
                    type="button"
                    class="btn sm"
                    disabled={targets.length >= QUERIES_MAX}
                    onClick={() =>
                        add(
                            object(targets.at(-1)?.datasource)
                                ? { datasource: targets.at(-1)?.datasource as Json, expr: '' }
                                : { expr: '' },
                        )
                    }
                >
                    <Icon svg={plus} />
                    {t('Add a query')}
                </button>
                {targets.length > 0 && (
                    <button
                        type="button"
                        class="btn g sm"
                        disabled={targets.length >= QUERIES_MAX}
                        onClick={() =>
                            add({
                                datasource: { type: '__expr__', uid: '__expr__' },
                                type: 'reduce',
                                expression: letters[0] ?? 'A',
                                reducer: 'last',
                            })
                        }
                    >
                        <Icon svg={plus} />
                        {t('Add an expression')}
                    </button>
                )}
            </div>
        </div>
    );
}
/** What is undefined is not there. */
const clean = (one: Obj): Obj => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined));

function Head({
    one,
    letter,
    taken,
    fared,
    onRename,
}: {
    one: Obj;
    letter: string;
    taken: string[];
    fared: Fared | undefined;
    onRename: (letter: string) => void;
}) {
    const [typed, set] = useState<string | null>(null);
    const put = () => {
        const next = typed?.trim() ?? '';
        set(null);
        if (next && next !== letter && !taken.includes(next)) onRename(next);
    };
    return (
        <>
            <input
                class="pe-letter"
                aria-label={t('Letter of query {}', letter)}
                maxLength={20}
                value={typed ?? letter}
                onInput={(e) => set(e.currentTarget.value)}
                onBlur={put}
                onKeyDown={(e) => {
                    if (e.key === 'Enter') put();
                }}
            />
            {one.hide === true ? (
                <span class="tag">{t('hidden')}</span>
            ) : fared?.problem ? (
                <span class="tag crit">{t('failed')}</span>
            ) : fared?.series !== undefined ? (
                <span class="faint">{n(fared.series, '{} series', '{} series')}</span>
            ) : null}
        </>
    );
}

function Query({
    one,
    letter,
    fared,
    showSource,
    onChange,
}: {
    one: Obj;
    letter: string;
    fared: Fared | undefined;
    showSource: boolean;
    onChange: (part: Obj, merge: string) => void;
}) {
    const work = useWork(),
        board = work.draft.json,
        own = work.get('datasource');
    const [explains, explain] = useState(false);
    const isExpression = text(at(one.datasource, 'type')) === '__expr__' || text(at(one.datasource, 'uid')) === '__expr__';
    if (isExpression) return <Expression one={one} onChange={onChange} />;
    const language = speaks(one.datasource, board, speaks(own, board));
    const from = text(at(one.datasource, 'uid')) === '-- Dashboard --' || text(at(own, 'uid')) === '-- Dashboard --';
    const expr = text(one.expr) || text(one.query),
        variables = list(at(board, 'templating.list'))
            .map((each) => text(at(each, 'name')))
            .filter(Boolean);
    const isInstant = one.instant === true || one.queryType === 'instant',
        isRange = typeof one.range === 'boolean' ? one.range : !isInstant;
    const asked = isInstant && isRange ? 'both' : isInstant ? 'instant' : 'range';
    return (
        <>
            {from ? (
                <NumberField
                    label={t('Number of the panel')}
                    value={typeof one.panelId === 'number' ? one.panelId : undefined}
                    min={1}
                    step={1}
                    onChange={(panelId) => onChange({ panelId: panelId as Json }, 'panel')}
                    help={t('The answers of another panel of this dashboard are shown.')}
                />
            ) : (
                <div class="pe-expr">
                    <QueryField
                        quiet
                        label={t('Query {}', letter)}
                        language={language}
                        variables={variables}
                        value={expr}
                        problem={fared?.problem ?? null}
                        error={fared?.problem?.message ?? ''}
                        placeholder={
                            language === 'logql' ? '{job="api"} |= "error"' : 'sum by (job) (rate(http_requests_total[$__rate_interval]))'
                        }
                        onChange={(next) => onChange({ expr: next }, 'expr')}
                        onRun={() => work.run()}
                    />
                    {language === 'promql' && (
                        <IconButton
                            svg={help}
                            pressed={explains}
                            label={t('Explain query {}', letter)}
                            onPress={() => explain(!explains)}
                        />
                    )}
                </div>
            )}
            {explains && language === 'promql' && <Explained query={expr} />}
            {!from && (
                <div class="ed-form pe-asked">
                    {showSource && (
                        <SourceField
                            label={t('Source')}
                            value={one.datasource}
                            board={board}
                            from={t('That of the panel')}
                            onChange={(datasource) => onChange({ datasource: datasource as Json }, 'source')}
                        />
                    )}
                    <TextField
                        label={t('Legend')}
                        mono
                        value={text(one.legendFormat)}
                        placeholder={t('By itself')}
                        offered={['__auto', '{{instance}}', '{{job}}']}
                        onChange={(legendFormat) => onChange({ legendFormat }, 'legend')}
                    />
                    <Segmented
                        label={t('Asks for')}
                        value={asked}
                        options={[
                            { value: 'range', label: t('The range') },
                            { value: 'instant', label: t('Now') },
                            { value: 'both', label: t('Both') },
                        ]}
                        onChange={(next) =>
                            onChange(
                                next === 'range'
                                    ? { range: true, instant: false, ...(one.queryType ? { queryType: 'range' } : {}) }
                                    : next === 'instant'
                                      ? { range: false, instant: true, ...(one.queryType ? { queryType: 'instant' } : {}) }
                                      : {
                                            range: true,
                                            instant: true,
                                            ...(one.queryType ? { queryType: undefined as unknown as Json } : {}),
                                        },
                                'asks',
                            )
                        }
                    />
                    {language === 'promql' && (
                        <Select
                            label={t('Answer as')}
                            value={text(one.format) || 'time_series'}
                            options={[
                                { value: 'time_series', label: t('Series') },
                                { value: 'table', label: t('Table') },
                                { value: 'heatmap', label: t('Heatmap') },
                            ]}
                            onChange={(format) => onChange({ format }, 'format')}
                        />
                    )}
                    {language === 'promql' && work.kind === 'timeseries' && (
                        <Switch
                            label={t('Exemplars')}
                            value={one.exemplar === true}
                            onChange={(exemplar) => onChange({ exemplar }, 'exemplar')}
                        />
                    )}
                    {language === 'logql' ? (
                        <NumberField
                            label={t('Most lines')}
                            value={typeof one.maxLines === 'number' ? one.maxLines : undefined}
                            min={1}
                            max={2_000}
                            step={10}
                            placeholder="500"
                            onChange={(maxLines) => onChange({ maxLines: maxLines as Json }, 'lines')}
                        />
                    ) : (
                        <TextField
                            label={t('Least step')}
                            mono
                            value={text(one.interval)}
                            placeholder={t('That of the panel')}
                            onChange={(interval) => onChange({ interval: (interval || undefined) as Json }, 'step')}
                        />
                    )}
                </div>
            )}
        </>
    );
}

/** What expressions of each type begin with. */
const FRESH: Record<string, Obj> = {
    math: {},
    reduce: { reducer: 'last' },
    resample: { window: '1m', downsampler: 'mean', upsampler: 'pad' },
    threshold: { conditions: [{ evaluator: { type: 'gt', params: [0] } }] },
};
/** One value of several: of a series, or of the points that fall together. */
const values = () => [
    { value: 'last', label: t('Last') },
    { value: 'mean', label: t('Mean') },
    { value: 'sum', label: t('Total') },
    { value: 'min', label: t('Lowest') },
    { value: 'max', label: t('Highest') },
];

/** An expression: what is done with the answers of other queries. */
function Expression({ one, onChange }: { one: Obj; onChange: (part: Obj, merge: string) => void }) {
    const type = text(one.type) || 'reduce',
        evaluator = object(at(list(one.conditions)[0], 'evaluator')) ?? { type: 'gt', params: [0] };
    const params = list(evaluator.params).map((param) => (typeof param === 'number' ? param : 0)),
        compares = text(evaluator.type);
    const put = (kind: string, bounds: number[]) => onChange({ conditions: [{ evaluator: { type: kind, params: bounds } }] }, 'bound');
    const isTwo = /range/.test(compares);
    const types = [
        { value: 'math', label: t('Math') },
        { value: 'reduce', label: t('One value of each series') },
        { value: 'resample', label: t('Points at another distance') },
        { value: 'threshold', label: t('1 where a bound is passed, else 0') },
    ];
    const bounds = [
        { value: 'gt', label: t('above') },
        { value: 'gte', label: t('at least') },
        { value: 'lt', label: t('below') },
        { value: 'lte', label: t('at most') },
        { value: 'eq', label: t('exactly') },
        { value: 'ne', label: t('anything but') },
        { value: 'within_range', label: t('between') },
        { value: 'outside_range', label: t('outside of') },
    ];
    return (
        <div class="ed-form">
            <Select
                label={t('Expression')}
                value={type}
                options={types}
                onChange={(next) => onChange({ type: next, ...FRESH[next] }, 'type')}
            />
            {type === 'math' ? (
                <TextField
                    label={t('Formula')}
                    mono
                    placeholder="$A / $B * 100"
                    value={text(one.expression)}
                    onChange={(expression) => onChange({ expression }, 'of')}
                />
            ) : (
                <TextField
                    label={t('Of query')}
                    mono
                    value={text(one.expression)}
                    onChange={(expression) => onChange({ expression }, 'of')}
                />
            )}
            {type === 'reduce' && (
                <Select
                    label={t('Value')}
                    value={text(one.reducer) || 'last'}
                    options={[...values(), { value: 'median', label: t('Median') }, { value: 'count', label: t('Count') }]}
                    onChange={(reducer) => onChange({ reducer }, 'reducer')}
                />
            )}
            {type === 'resample' && (
                <TextField
                    label={t('A point each')}
                    mono
                    placeholder="1m"
                    value={text(one.window)}
                    onChange={(window) => onChange({ window }, 'window')}
                />
            )}
            {type === 'resample' && (
                <Select
                    label={t('Several points become')}
                    value={text(one.downsampler) || 'mean'}
                    options={values()}
                    onChange={(downsampler) => onChange({ downsampler }, 'downsampler')}
                />
            )}
            {type === 'resample' && (
                <Select
                    label={t('Where there is none')}
                    value={text(one.upsampler) || 'pad'}
                    options={[
                        { value: 'pad', label: t('the one before') },
                        { value: 'backfilling', label: t('the one after') },
                        { value: 'fillna', label: t('nothing') },
                    ]}
                    onChange={(upsampler) => onChange({ upsampler }, 'upsampler')}
                />
            )}
            {type === 'threshold' && (
                <Select
                    label={t('Is')}
                    value={compares}
                    options={bounds}
                    onChange={(next) => put(next, [params[0] ?? 0, params[1] ?? 0])}
                />
            )}
            {type === 'threshold' && (
                <NumberField
                    label={isTwo ? t('From') : t('Number')}
                    value={params[0]}
                    onChange={(next) => put(compares, isTwo ? [next ?? 0, params[1] ?? 0] : [next ?? 0])}
                />
            )}
            {type === 'threshold' && isTwo && (
                <NumberField label={t('To')} value={params[1]} onChange={(next) => put(compares, [params[0] ?? 0, next ?? 0])} />
            )}
        </div>
    );
}

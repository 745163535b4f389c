/** The annotations of a dashboard: what is marked on its charts. */
import { useState } from 'preact/hooks';
import { type BoardJson, type Draft, type Json, every } from '../draft.ts';
import { Segmented, Select, Switch } from '../parts/choose.tsx';
import { ColourField, shown } from '../parts/colour.tsx';
import { QueryField } from '../parts/query.tsx';
import { SourceField } from '../parts/source.tsx';
import { TextField } from '../parts/text.tsx';
import {
    type AnnotationJson,
    type Origin,
    type Where,
    annotationsIn,
    annotationsOf,
    asking,
    exprOf,
    fresh,
    isAny,
    marked,
    origin,
    originName,
    origins,
    stepOf,
    summary,
    tagged,
    tagsOf,
    turned,
    whereOf,
} from './annotation.ts';
import { Listed } from './list.tsx';
import { TagsField } from './tags.tsx';
import { freeName } from './variable.ts';
import { t } from './words.ts';

/** Most annotations, as the server asks them. */
const ANNOTATIONS_MAX = 20;

export function Annotations({ draft }: { draft: Draft }) {
    const json = draft.json,
        list = annotationsOf(json),
        names = list.map((one) => one.name);
    const change = (what: string, f: (all: AnnotationJson[]) => void, merge = '') =>
        draft.change(what, (now) => f(annotationsIn(now)), merge);
    return (
        <Listed
            items={list}
            named={(one) => one.name}
            add={t('Add annotations')}
            empty={t('Annotations mark moments on charts: deploys, alerts, whatever a query finds.')}
            onAdd={() => {
                if (list.length < ANNOTATIONS_MAX)
                    change(t('Add annotations'), (all) => {
                        all.push(fresh(freeName(t('Deploys'), names)));
                    });
            }}
            onCopy={(at) =>
                change(t('Copy annotations'), (all) => {
                    const one = all[at];
                    if (one) {
                        const { builtIn: _own, ...rest } = structuredClone(one);
                        all.splice(at + 1, 0, { ...rest, name: freeName(`${one.name} 2`, names) } as AnnotationJson);
                    }
                })
            }
            onMove={(items) =>
                change(t('Move annotations'), (all) => {
                    all.splice(0, all.length, ...structuredClone(items));
                })
            }
            onRemove={(at) =>
                change(t('Remove the annotations {}', names[at] ?? ''), (all) => {
                    all.splice(at, 1);
                })
            }
            row={(one) => (
                <>
                    <span class="es-dot" style={{ background: shown(String(one.iconColor ?? '')) }} />
                    <span class="ell">
                        <bdi>{one.name}</bdi>
                    </span>
                    <span class="es-kind">{originName(origin(one, json))}</span>
                    <span class="mono ell dim" dir="auto">
                        {summary(one, json)}
                    </span>
                    {one.enable === false && <span class="tag">{t('off at first')}</span>}
                </>
            )}
            form={(one, at) => (
                <AnnotationForm
                    board={json}
                    one={one}
                    set={(f, merge = '') =>
                        change(
                            t('Change the annotations {}', one.name),
                            (all) => {
                                const now = all[at];
                                if (now) all[at] = f(now);
                            },
                            merge && `annotation:${at}:${merge}`,
                        )
                    }
                />
            )}
        />
    );
}

type Setter = (f: (one: AnnotationJson) => AnnotationJson, merge?: string) => void;

function AnnotationForm({ board, one, set }: { board: BoardJson; one: AnnotationJson; set: Setter }) {
    const from = origin(one, board),
        put = (name: string, value: Json, merge = '') => set((now) => ({ ...now, [name]: value }), merge);
    const help = origins().find(([id]) => id === from)?.[2] ?? t('What people and programs marked here, whatever its tags.');
    const all = origins().map(([value, label]) => ({ value, label })),
        offered = from === 'own' ? [{ value: 'own' as Origin, label: originName('own') }, ...all] : all;
    return (
        <div class="ed-form">
            <TextField
                label={t('Name')}
                value={one.name}
                max={200}
                error={one.name.trim() ? undefined : t('Annotations need a name.')}
                onChange={(name) => put('name', name, 'name')}
            />
            <Select
                label={t('Where they come from')}
                help={help}
                value={from}
                options={offered}
                onChange={(to: Origin) => set((now) => turned(now, to))}
            />
            <ColourField
                label={t('Colour')}
                value={String(one.iconColor ?? '')}
                onChange={(colour) => put('iconColor', colour, 'colour')}
            />
            <div class="es-switches wide">
                <Switch label={t('Shown at first')} value={one.enable !== false} onChange={(on) => put('enable', on)} />
                <Switch label={t('Without a switch in the bar')} value={one.hide === true} onChange={(on) => put('hide', on)} />
            </div>
            {from === 'tags' && (
                <>
                    <TagsField
                        wide
                        label={t('Tags')}
                        help={t('Empty for every mark.')}
                        value={tagsOf(one)}
                        onChange={(tags) => set((now) => tagged(now, { tags }))}
                    />
                    <Switch
                        wide
                        label={t('Any of the tags is enough')}
                        value={isAny(one)}
                        onChange={(on) => set((now) => tagged(now, { matchAny: on }))}
                    />
                </>
            )}
            {from !== 'own' && from !== 'tags' && <Query board={board} one={one} from={from} set={set} put={put} />}
            <Panels board={board} one={one} set={set} />
        </div>
    );
}

/** On which panels it is marked. */
function Panels({ board, one, set }: { board: BoardJson; one: AnnotationJson; set: Setter }) {
    const said = whereOf(one),
        [chosen, choose] = useState<Where>(said.where),
        where = said.where === 'all' ? chosen : said.where;
    const panels = [...every(board)].map(([panel]) => panel).filter((panel) => panel.type !== 'row');
    const turn = (next: Where) => {
        choose(next);
        set((now) => marked(now, said.ids.length ? next : 'all', said.ids));
    };
    const press = (id: number) => {
        const ids = said.ids.includes(id) ? said.ids.filter((other) => other !== id) : [...said.ids, id];
        set((now) => marked(now, ids.length ? where : 'all', ids));
    };
    return (
        <>
            <Segmented
                wide
                label={t('Marked on')}
                value={where}
                options={[
                    { value: 'all', label: t('all panels') },
                    { value: 'only', label: t('only these') },
                    { value: 'but', label: t('all but these') },
                ]}
                onChange={turn}
            />
            {where !== 'all' && (
                <div class="es-values wide" role="group" aria-label={t('Panels')}>
                    <div class="lbs">
                        {panels.map((panel) => (
                            <button
                                key={panel.id}
                                type="button"
                                class="chip"
                                aria-pressed={said.ids.includes(panel.id)}
                                onClick={() => press(panel.id)}
                            >
                                <bdi>{panel.title || t('a panel without a title')}</bdi>
                            </button>
                        ))}
                    </div>
                </div>
            )}
        </>
    );
}

function Query({
    board,
    one,
    from,
    set,
    put,
}: {
    board: BoardJson;
    one: AnnotationJson;
    from: Origin;
    set: Setter;
    put: (name: string, value: Json, merge?: string) => void;
}) {
    const text = (name: string) => String(one[name] ?? ''),
        named = t('{{label}} stands for a label; empty for the name.');
    return (
        <>
            <SourceField
                label={t('Data source')}
                value={one.datasource}
                board={board}
                onChange={(source) =>
                    set((now) => {
                        const { datasource: _gone, ...rest } = now;
                        return { ...rest, ...(source === undefined ? {} : { datasource: source }) } as AnnotationJson;
                    })
                }
            />
            <QueryField
                wide
                label={t('Query')}
                language={from === 'logs' ? 'logql' : 'promql'}
                value={exprOf(one)}
                onChange={(expr) => set((now) => asking(now, 'expr', expr), 'expr')}
            />
            {from !== 'logs' && (
                <TextField
                    mono
                    label={t('Step')}
                    help={t('How often it is asked; empty for the usual.')}
                    placeholder="60s"
                    value={stepOf(one)}
                    max={20}
                    onChange={(step) => set((now) => asking(now, 'interval', step), 'step')}
                />
            )}
            <TextField
                mono
                label={t('Title')}
                help={named}
                placeholder="{{job}}"
                value={text('titleFormat')}
                max={500}
                onChange={(value) => put('titleFormat', value, 'title')}
            />
            <TextField mono label={t('Text')} value={text('textFormat')} max={500} onChange={(value) => put('textFormat', value, 'text')} />
            <TextField
                mono
                label={t('Labels as tags')}
                help={t('Separated by commas.')}
                value={text('tagKeys')}
                max={500}
                onChange={(value) => put('tagKeys', value, 'tags')}
            />
            {from === 'metrics' && (
                <Switch
                    wide
                    label={t('Values are moments')}
                    help={t('Each value is a time in milliseconds, not a state.')}
                    value={one.useValueForTime === true || one.useValueForTime === 'on'}
                    onChange={(on) => put('useValueForTime', on)}
                />
            )}
        </>
    );
}

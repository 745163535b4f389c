/** The form of one variable: what it is called, where its values come from, and what of them a reader sees. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, Json, Obj } from '../draft.ts';
import { Select, Switch } from '../parts/choose.tsx';
import { SourceField, speaks } from '../parts/source.tsx';
import { NumberField, TextField } from '../parts/text.tsx';
import { Conditions } from './conditions.tsx';
import type { Known } from './offered.ts';
import { from } from './query.ts';
import { QueryForm } from './query_form.tsx';
import { rename, usesOf } from './uses.ts';
import { Values } from './values.tsx';
import {
    type Kind,
    type VariableJson,
    hasMany,
    kinds,
    listed,
    refreshes,
    shows,
    sorts,
    turned,
    variablesIn,
    variablesOf,
    withMany,
    wrongName,
} from './variable.ts';
import { n, t } from './words.ts';

/** Panels that are named where a variable is used. */
const NAMED_MAX = 8;

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const choices = (pairs: [string, string][]) => pairs.map(([value, label]) => ({ value, label }));

export type Setter = (f: (one: VariableJson) => VariableJson, merge?: string) => void;

export function VariableForm({ draft, one, at, known }: { draft: Draft; one: VariableJson; at: number; known: Known }) {
    const set: Setter = (f, merge = '') =>
        draft.change(
            t('Change the variable {}', one.name),
            (json) => {
                const all = variablesIn(json),
                    now = all[at];
                if (now) all[at] = f(now);
            },
            merge && `variable:${at}:${merge}`,
        );
    const put = (name: string, value: Json, merge = '') => set((now) => listed({ ...now, [name]: value }), merge);
    const kind = kinds().find(([id]) => id === one.type),
        board = draft.json;
    const logs = speaks(one.datasource, board) === 'logql';
    const source = (value: Json | undefined) => set((now) => from(now, value, logs, speaks(value, board) === 'logql'));
    return (
        <>
            <div class="ed-form">
                <NameField draft={draft} one={one} at={at} />
                <Select
                    label={t('Kind')}
                    help={kind?.[2]}
                    value={one.type}
                    options={kinds().map(([value, label]) => ({ value: value as string, label }))}
                    onChange={(value) => set((now) => turned(now, value as Kind))}
                />
                <TextField
                    label={t('Label')}
                    value={text(one.label)}
                    max={200}
                    placeholder={one.name}
                    onChange={(value) => put('label', value, 'label')}
                />
                <Select
                    label={t('The bar shows')}
                    value={String(one.hide ?? 0)}
                    options={choices(shows())}
                    onChange={(value) => put('hide', Number(value))}
                />
                <TextField
                    wide
                    label={t('Description')}
                    value={text(one.description)}
                    max={1000}
                    onChange={(value) => put('description', value, 'description')}
                />
            </div>
            <h3>{t('Values')}</h3>
            <div class="ed-form">
                {(one.type === 'query' || one.type === 'adhoc' || one.type === 'groupby') && (
                    <SourceField label={t('Data source')} value={one.datasource} board={board} onChange={source} />
                )}
                {one.type === 'query' && <QueryForm one={one} logs={logs} set={set} />}
                {one.type === 'custom' && (
                    <TextField
                        wide
                        rows={2}
                        label={t('Values')}
                        help={t('Separated by commas. “text : value” shows a text for a value; \\, is a comma in a value.')}
                        value={text(one.query)}
                        onChange={(value) => put('query', value, 'query')}
                    />
                )}
                {one.type === 'textbox' && (
                    <TextField
                        wide
                        label={t('Value at first')}
                        value={text(one.query)}
                        max={1000}
                        onChange={(value) => put('query', value, 'query')}
                    />
                )}
                {one.type === 'constant' && (
                    <TextField
                        wide
                        label={t('Value')}
                        value={text(one.query)}
                        max={1000}
                        onChange={(value) => put('query', value, 'query')}
                    />
                )}
                {one.type === 'interval' && <Interval one={one} put={put} />}
                {one.type === 'datasource' && (
                    <Select
                        label={t('Kind of source')}
                        value={text(one.query)}
                        options={choices([
                            ['prometheus', 'Prometheus'],
                            ['loki', 'Loki'],
                            ['alertmanager', 'Alertmanager'],
                        ])}
                        onChange={(value) => put('query', value)}
                    />
                )}
                {one.type === 'switch' && <SwitchValues one={one} set={set} />}
                {(one.type === 'query' || one.type === 'datasource') && (
                    <TextField
                        mono
                        label={t('Regular expression')}
                        help={t('Only what it finds is offered; a group takes a part.')}
                        placeholder="/.*-(?<value>.*)/"
                        value={text(one.regex)}
                        max={2000}
                        onChange={(value) => put('regex', value, 'regex')}
                    />
                )}
                {one.type === 'query' && (
                    <>
                        <Select
                            label={t('Order')}
                            value={String(one.sort ?? 0)}
                            options={choices(sorts())}
                            onChange={(value) => put('sort', Number(value))}
                        />
                        <Select
                            label={t('Asked for')}
                            value={String(one.refresh === false ? 0 : one.refresh === true ? 1 : (one.refresh ?? 1))}
                            options={choices(refreshes())}
                            onChange={(value) => put('refresh', Number(value))}
                        />
                    </>
                )}
                {one.type === 'adhoc' && <Conditions one={one} put={put} logs={logs} />}
            </div>
            {hasMany(one.type) && (
                <div class="ed-form">
                    <div class="es-switches wide">
                        <Switch
                            label={t('Several may be chosen')}
                            value={one.multi === true}
                            onChange={(on) => set((now) => withMany(now, 'multi', on))}
                        />
                        <Switch
                            label={t('“All” may be chosen')}
                            value={one.includeAll === true}
                            onChange={(on) => set((now) => withMany(now, 'includeAll', on))}
                        />
                    </div>
                    {one.includeAll === true && (
                        <TextField
                            mono
                            label={t('“All” stands for')}
                            help={t('Empty for every value.')}
                            placeholder=".*"
                            value={text(one.allValue)}
                            max={2000}
                            onChange={(value) => put('allValue', value, 'all')}
                        />
                    )}
                </div>
            )}
            {one.type !== 'textbox' && one.type !== 'constant' && one.type !== 'adhoc' && <Values one={one} known={known} set={set} />}
            <div class="ed-form">
                <Switch
                    wide
                    label={t('Addresses do not carry it')}
                    help={t('A link to the dashboard then always begins with the value at first.')}
                    value={one.skipUrlSync === true}
                    onChange={(on) => put('skipUrlSync', on)}
                />
            </div>
            {one.type !== 'adhoc' && <Used draft={draft} name={one.name} />}
        </>
    );
}

/** Its name; once it is typed it changes wherever the dashboard says it. */
function NameField({ draft, one, at }: { draft: Draft; one: VariableJson; at: number }) {
    const [typed, setTyped] = useState(one.name),
        now = useRef({ typed, name: one.name });
    const others = variablesOf(draft.json)
            .filter((_, i) => i !== at)
            .map((other) => other.name),
        wrong = wrongName(typed, others);
    now.current = { typed: wrong ? one.name : typed, name: one.name };
    useEffect(() => setTyped(one.name), [one.name]);
    const take = () => {
        const { typed: name, name: old } = now.current;
        if (name !== old) draft.change(t('Rename the variable {}', old), (json) => rename(json, old, name));
    };
    useEffect(() => take, []);
    return (
        <div onFocusOut={take}>
            <TextField
                mono
                label={t('Name')}
                help={t('Queries name it ${}. A new name changes wherever the dashboard says it.', typed)}
                error={wrong || undefined}
                value={typed}
                max={101}
                onChange={setTyped}
                onEnter={take}
            />
        </div>
    );
}

type Put = (name: string, value: Json, merge?: string) => void;

function Interval({ one, put }: { one: VariableJson; put: Put }) {
    return (
        <>
            <TextField
                wide
                mono
                label={t('Lengths')}
                help={t('Separated by commas: 1m,10m,1h.')}
                value={text(one.query)}
                max={1000}
                onChange={(value) => put('query', value, 'query')}
            />
            <Switch label={t('Also one that fits the time range')} value={one.auto === true} onChange={(on) => put('auto', on)} />
            {one.auto === true && (
                <>
                    <NumberField
                        label={t('Steps of it')}
                        value={Number(one.auto_count ?? 30)}
                        min={1}
                        max={10_000}
                        step={1}
                        onChange={(value) => put('auto_count', value ?? 30, 'count')}
                    />
                    <TextField
                        mono
                        label={t('At least')}
                        value={text(one.auto_min)}
                        max={20}
                        placeholder="10s"
                        onChange={(value) => put('auto_min', value, 'min')}
                    />
                </>
            )}
        </>
    );
}

/** The values of a switch: the first option is that of on. */
function SwitchValues({ one, set }: { one: VariableJson; set: Setter }) {
    const options = Array.isArray(one.options) ? (one.options as Obj[]) : [],
        value = (i: number) => String(options[i]?.value ?? (i ? 'false' : 'true'));
    const put = (i: number, next: string) =>
        set((now) => {
            const current = (now.current ?? {}) as Obj,
                was = value(i),
                all = [0, 1].map((at): Obj => ({ text: at ? 'Disabled' : 'Enabled', ...options[at], value: at === i ? next : value(at) }));
            return listed({ ...now, options: all, current: String(current.value) === was ? { text: next, value: next } : current });
        }, `switch${i}`);
    return (
        <>
            <TextField mono label={t('Value when it is on')} value={value(0)} max={500} onChange={(next) => put(0, next)} />
            <TextField mono label={t('Value when it is off')} value={value(1)} max={500} onChange={(next) => put(1, next)} />
        </>
    );
}

/** Who uses it. */
function Used({ draft, name }: { draft: Draft; name: string }) {
    const { panels, others } = usesOf(draft.json, name);
    const named = [
        ...panels.slice(0, NAMED_MAX).map((panel) => panel.title || t('a panel without a title')),
        ...(panels.length > NAMED_MAX ? [n(panels.length - NAMED_MAX, '{} more panel', '{} more panels')] : []),
        ...others,
    ];
    return (
        <p class="dim es-used">
            {named.length ? (
                <>
                    {t('Used by')}{' '}
                    {named.map((one, at) => (
                        <bdi key={at} class="lb">
                            {one}
                        </bdi>
                    ))}
                </>
            ) : (
                t('Nothing names it yet.')
            )}
        </p>
    );
}

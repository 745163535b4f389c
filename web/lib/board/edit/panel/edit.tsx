/** The one place that knows what each kind of control looks like. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import plus from 'icon:plus';
import x from 'icon:x';
import type { Json, Obj } from '../draft.ts';
import { Segmented, Select, Switch, type Choice } from '../parts/choose.tsx';
import { ColourField } from '../parts/colour.tsx';
import { Combo } from '../parts/combo.tsx';
import { Group } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { NumberField, TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { Columns, ByField } from './columns.tsx';
import type { Control, Part, Pick } from './control.ts';
import { JsonField } from './json.tsx';
import { Links } from './links.tsx';
import { Mappings } from './mappings.tsx';
import { at, list, object, put, text } from './path.ts';
import { allUnits, reducerName, reducers } from './reducers.ts';
import { Thresholds } from './thresholds.tsx';
import { useWork } from './work.ts';

/** Asks for the names of fields; which ones depends on where in the steps of transformations one stands. */
export const Naming = createContext<() => Promise<string[]>>(() => Promise.resolve([]));
/** Names of fields, there once `load` was called. */
export function useNames(): { names: string[]; load: () => void } {
    const ask = useContext(Naming),
        [names, set] = useState<string[]>([]);
    return { names, load: () => void ask().then(set) };
}

export interface EditProps {
    control: Control;
    label: string;
    value: Json | undefined;
    onChange: (value: Json | undefined) => void;
    initial?: Json | undefined;
    help?: string | undefined;
    quiet?: boolean;
    wide?: boolean;
}

/** Segments need room: few choices with short words. */
const isShort = (words: string[]): boolean => words.length <= 4 && words.join('').length + words.length * 4 <= 34;

export function Edit({ control, label, value, onChange, initial, help, quiet, wide }: EditProps) {
    const said = { label, ...(help ? { help } : {}), ...(quiet ? { quiet } : {}), ...(wide ? { wide } : {}) };
    const now = value ?? initial;
    const typed = (words: string) => onChange(words === '' && initial === undefined ? undefined : words);
    switch (control.is) {
        case 'text':
            return (
                <TextField
                    {...said}
                    value={text(now)}
                    onChange={typed}
                    {...(control.hint ? { placeholder: control.hint } : {})}
                    {...(control.rows ? { rows: control.rows, wide: true, max: 100_000 } : {})}
                    mono={control.mono ?? false}
                />
            );
        case 'number':
            return <NumberField {...said} value={typeof value === 'number' ? value : undefined} onChange={onChange} {...bounds(control)} />;
        case 'switch':
            return <Switch {...said} value={now === true} onChange={onChange} />;
        case 'one':
            return <One {...said} of={control.of} value={now} hasInitial={initial !== undefined} onChange={onChange} />;
        case 'named':
            return (
                <Select
                    {...said}
                    options={[{ value: '', label: t(control.none) }, ...control.of.map((name) => ({ value: name, label: name }))]}
                    value={text(now)}
                    onChange={(name) => onChange(name || undefined)}
                />
            );
        case 'many':
            return <Many {...said} of={control.of} value={list(now)} onChange={onChange} />;
        case 'colour':
            return <ColourField {...said} value={text(now)} onChange={typed} />;
        case 'unit':
            return <Unit {...said} value={text(now)} onChange={typed} />;
        case 'reducer':
            return <Combo {...said} options={reducers()} value={text(now)} onChange={onChange} />;
        case 'reducers':
            return control.single ? (
                <Combo
                    {...said}
                    options={[{ value: '', label: t('None') }, ...reducers()]}
                    value={text(list(now)[0])}
                    onChange={(one) => onChange(one ? [one] : undefined)}
                />
            ) : (
                <Several {...said} options={reducers()} value={list(now).map(text)} named={reducerName} onChange={onChange} />
            );
        case 'words':
            return <Words {...said} value={list(now).map(text)} {...(control.hint ? { hint: control.hint } : {})} onChange={onChange} />;
        case 'field':
            return <FieldName {...said} value={now} onChange={typed} />;
        case 'fields':
            return <FieldNames {...said} value={list(now).map(text)} onChange={onChange} />;
        case 'variable':
            return <Variable {...said} value={text(now)} onChange={typed} />;
        case 'folder':
            return <Folder {...said} value={text(now)} onChange={typed} />;
        case 'thresholds':
            return <Thresholds value={value} onChange={onChange} />;
        case 'mappings':
            return <Mappings value={value} onChange={onChange} />;
        case 'links':
            return <Links value={value} onChange={onChange} ofPanel={control.ofPanel ?? false} />;
        case 'parts':
            return <Parts of={control.of} value={object(now) ?? {}} onChange={onChange} />;
        case 'items':
            return <Items {...said} control={control} value={list(now)} onChange={onChange} />;
        case 'columns':
            return <Columns value={object(now) ?? {}} onChange={onChange} />;
        case 'byField':
            return <ByField of={control.of} value={object(now) ?? {}} onChange={onChange} />;
        case 'json':
            return <JsonField {...said} value={now ?? {}} onChange={onChange} />;
    }
}
const bounds = ({ min, max, step, hint }: { min?: number; max?: number; step?: number; hint?: string }) => ({
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(step === undefined ? {} : { step }),
    ...(hint ? { placeholder: hint } : {}),
});

interface Named {
    label: string;
    help?: string;
    quiet?: boolean;
    wide?: boolean;
}

/** One of some values of any type. */
function One({
    of,
    value,
    hasInitial,
    onChange,
    ...said
}: Named & { of: readonly Pick[]; value: Json | undefined; hasInitial: boolean; onChange: (value: Json | undefined) => void }) {
    const word = (json: Json | undefined) => (json === undefined ? '' : JSON.stringify(json));
    const options: Choice[] = of.map(([one, label]) => ({ value: word(one), label: t(label) }));
    // An empty word is what counts where nothing stands.
    const take = (chosen: string) => onChange(chosen === '' || chosen === '""' ? undefined : (JSON.parse(chosen) as Json));
    const known = of.some(([one]) => one === value);
    if (!known && value !== undefined && value !== null)
        options.unshift({ value: word(value), label: typeof value === 'string' ? value : word(value) });
    if (hasInitial && known && isShort(options.map((one) => one.label)))
        return <Segmented {...said} options={options} value={word(value)} onChange={take} />;
    return (
        <Select
            {...said}
            options={hasInitial || of.some(([one]) => one === '') ? options : [{ value: '', label: t('Not set') }, ...options]}
            value={!known && value === undefined && of.some(([one]) => one === '') ? '""' : word(value)}
            onChange={take}
        />
    );
}

function Many({ of, value, onChange, ...said }: Named & { of: readonly Pick[]; value: Json[]; onChange: (value: Json) => void }) {
    return (
        <Group {...said}>
            <span class="ed-many">
                {of.map(([one, label]) => (
                    <label key={String(one)} class="tick">
                        <input
                            type="checkbox"
                            checked={value.includes(one)}
                            onChange={(e) =>
                                onChange(
                                    of
                                        .map(([known]) => known)
                                        .filter((known) => (known === one ? e.currentTarget.checked : value.includes(known))),
                                )
                            }
                        />
                        {t(label)}
                    </label>
                ))}
            </span>
        </Group>
    );
}

/** Several of a list: chips that go away, and one more. */
function Several({
    options,
    value,
    named,
    onChange,
    onOpen,
    free,
    ...said
}: Named & {
    options: readonly Choice[];
    value: string[];
    named: (value: string) => string;
    onChange: (value: Json | undefined) => void;
    onOpen?: () => void;
    free?: boolean;
}) {
    return (
        <div class={said.wide ? 'ed-f wide' : 'ed-f'}>
            <Combo
                label={said.label}
                {...(said.help ? { help: said.help } : {})}
                options={options.filter((one) => !value.includes(one.value))}
                value=""
                placeholder={value.length ? t('Add another') : t('Add')}
                onChange={(one) => onChange([...value, one])}
                {...(onOpen ? { onOpen } : {})}
                free={free ?? false}
            />
            {value.length > 0 && (
                <span class="ed-chips">
                    {value.map((one) => (
                        <button
                            key={one}
                            type="button"
                            class="chip"
                            aria-label={t('Remove {}', named(one))}
                            onClick={() => onChange(value.filter((other) => other !== one))}
                        >
                            <b>{named(one)}</b>
                            <Icon svg={x} />
                        </button>
                    ))}
                </span>
            )}
        </div>
    );
}

/** Words separated by commas. */
function Words({ value, hint, onChange, ...said }: Named & { value: string[]; hint?: string; onChange: (value: Json) => void }) {
    const [typed, set] = useState(value.join(', '));
    const read = (all: string) =>
        all
            .split(',')
            .map((one) => one.trim())
            .filter(Boolean);
    useEffect(() => {
        if (read(typed).join() !== value.join()) set(value.join(', '));
    }, [value.join()]);
    return (
        <TextField
            {...said}
            value={typed}
            {...(hint ? { placeholder: hint } : {})}
            onChange={(all) => {
                set(all);
                onChange(read(all));
            }}
        />
    );
}

function Unit({ value, onChange, ...said }: Named & { value: string; onChange: (value: string) => void }) {
    const [units, set] = useState<Choice[]>([]);
    useEffect(() => {
        void allUnits().then(set);
    }, []);
    return (
        <Combo
            {...said}
            free
            listed
            options={[{ value: '', label: t('None') }, ...units]}
            value={value}
            placeholder={t('None')}
            help={said.help ?? t('Of your own: {}', 'suffix: €, prefix:~, time:HH:mm')}
            onChange={onChange}
        />
    );
}

function FieldName({ value, onChange, ...said }: Named & { value: Json | undefined; onChange: (value: string) => void }) {
    const { names, load } = useNames();
    // Sums of columns name theirs in an object.
    const word = text(value) || text(at(value, 'matcher.options')) || text(at(value, 'fixed'));
    return (
        <Combo
            {...said}
            free
            options={[{ value: '', label: t('None') }, ...names.map((name) => ({ value: name, label: name }))]}
            value={word}
            onOpen={load}
            onChange={onChange}
        />
    );
}
function FieldNames({ value, onChange, ...said }: Named & { value: string[]; onChange: (value: Json | undefined) => void }) {
    const { names, load } = useNames();
    return (
        <Several
            {...said}
            free
            options={names.map((name) => ({ value: name, label: name }))}
            value={value}
            named={(one) => one}
            onOpen={load}
            onChange={onChange}
        />
    );
}

function Variable({ value, onChange, ...said }: Named & { value: string; onChange: (value: string) => void }) {
    const all = list(at(useWork().draft.json, 'templating.list'))
        .map((one) => text(at(one, 'name')))
        .filter(Boolean);
    return (
        <Select
            {...said}
            value={value}
            options={[{ value: '', label: t('Stands once') }, ...all.map((name) => ({ value: name, label: `$${name}` }))]}
            onChange={onChange}
        />
    );
}

function Folder({ value, onChange, ...said }: Named & { value: string; onChange: (value: string) => void }) {
    const [all, set] = useState<Choice[]>([]);
    // Without the list its uid may be typed.
    useEffect(() => {
        void import('../kept.ts')
            .then((m) => m.folders())
            .then(
                (found) => set(found.map((one) => ({ value: one.uid, label: one.title }))),
                () => undefined,
            );
    }, []);
    return <Combo {...said} free listed options={[{ value: '', label: t('All') }, ...all]} value={value} onChange={onChange} />;
}

/** The parts of an object. */
export function Parts({ of, value, onChange }: { of: readonly Part[]; value: Obj; onChange: (value: Obj) => void }) {
    const whole = structuredClone(value);
    for (const part of of) if (at(whole, part.at) === undefined && part.initial !== undefined) put(whole, part.at, part.initial);
    return (
        <>
            {of
                .filter((part) => part.when?.(whole) ?? true)
                .map((part) => (
                    <Edit
                        key={part.at}
                        control={part.control}
                        label={t(part.label)}
                        {...(part.help ? { help: t(part.help) } : {})}
                        value={at(value, part.at)}
                        initial={part.initial}
                        onChange={(next) => {
                            const changed = structuredClone(value);
                            put(changed, part.at, next);
                            onChange(changed);
                        }}
                    />
                ))}
        </>
    );
}

/** A list of objects with the same parts. */
function Items({
    control,
    value,
    onChange,
    label,
}: Named & { control: Extract<Control, { is: 'items' }>; value: Json[]; onChange: (value: Json) => void }) {
    return (
        <Group label={label} wide>
            <Reorder
                items={value.map((one) => object(one) ?? {})}
                named={(one, i) => text(at(one, control.name)) || String(i + 1)}
                onChange={onChange}
            >
                {(one, i) => (
                    <div class="ed-form">
                        <Parts
                            of={control.of}
                            value={one}
                            onChange={(next) => onChange(value.map((other, j) => (j === i ? next : other)))}
                        />
                    </div>
                )}
            </Reorder>
            <button type="button" class="btn sm ed-add" onClick={() => onChange([...value, structuredClone(control.fresh)])}>
                <Icon svg={plus} />
                {t('Add')}
            </button>
        </Group>
    );
}

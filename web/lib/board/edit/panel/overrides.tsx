/** Overrides: options that only some fields have. */
import plus from 'icon:plus';
import x from 'icon:x';
import type { Json, Obj } from '../draft.ts';
import { Select } from '../parts/choose.tsx';
import { Combo } from '../parts/combo.tsx';
import { Icon, IconButton } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { NumberField, TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { Edit, useNames } from './edit.tsx';
import { JsonField } from './json.tsx';
import { at, list, object, text } from './path.ts';
import { reducers } from './reducers.ts';
import { FIELD, initialOf, optionsOf, type Option } from './schema.ts';
import { useWork } from './work.ts';

/** Most overrides. */
const OVERRIDES_MAX = 100;
const PATH = 'fieldConfig.overrides';
/** Controls of several parts, which do not say by themselves what they are together. */
const WHOLE = ['parts', 'thresholds', 'mappings', 'links'];

export function Overrides() {
    const work = useWork(),
        kind = work.kind,
        all = list(work.get(PATH)).map((one) => object(one) ?? {});
    const known = kind ? optionsOf(kind).filter((one) => one.path.startsWith(FIELD)) : [];
    const take = (what: string, next: Obj[], merge = '') =>
        work.change(
            what,
            (panel) => {
                const config = object(panel.fieldConfig) ?? {};
                panel.fieldConfig = { defaults: {}, ...config, overrides: next };
            },
            merge,
        );
    const change = (i: number, part: Obj, merge: string) =>
        take(
            t('Change an override'),
            all.map((one, j) => (j === i ? { ...one, ...part } : one)),
            `o${i} ${merge}`,
        );
    return (
        <div class="pe-overrides">
            {!all.length && (
                <p class="faint">{t('Every field looks the same. An override gives some of them another unit, colour, axis or name.')}</p>
            )}
            <Reorder
                items={all}
                named={(one, i) => said(one) || t('Override {}', i + 1)}
                onChange={(next) => take(next.length < all.length ? t('Remove an override') : t('Move an override'), next)}
            >
                {(one, i) => (
                    <>
                        <Matcher value={object(one.matcher) ?? {}} onChange={(matcher) => change(i, { matcher }, 'matcher')} />
                        <Properties
                            known={known}
                            value={list(one.properties).map((property) => object(property) ?? {})}
                            onChange={(properties, merge) => change(i, { properties }, merge)}
                        />
                    </>
                )}
            </Reorder>
            <button
                type="button"
                class="btn sm ed-add"
                disabled={all.length >= OVERRIDES_MAX}
                onClick={() => take(t('Add an override'), [...all, { matcher: { id: 'byName', options: '' }, properties: [] }])}
            >
                <Icon svg={plus} />
                {t('Add an override')}
            </button>
        </div>
    );
}

/** Which fields it is for, in short. */
function said(one: Obj): string {
    const matcher = object(one.matcher),
        options = matcher?.options;
    return typeof options === 'string' ? options : list(at(options, 'names')).map(text).join(', ');
}

function Matcher({ value, onChange }: { value: Obj; onChange: (matcher: Obj) => void }) {
    const { names, load } = useNames(),
        work = useWork();
    const id = text(value.id) || 'byName',
        options = value.options;
    const kinds = [
        { value: 'byName', label: t('Field with the name') },
        { value: 'byRegexp', label: t('Fields whose name fits') },
        { value: 'byType', label: t('Fields of a type') },
        { value: 'byFrameRefID', label: t('Fields of a query') },
        { value: 'byNames', label: t('Fields with these names') },
        { value: 'byValue', label: t('Fields by their value') },
    ];
    const fresh: Record<string, Json> = {
        byNames: { mode: 'include', names: [] },
        byValue: { reducer: 'lastNotNull', op: 'gt', value: 0 },
        byType: 'number',
    };
    const letters = list(work.get('targets')).map((one, i) => text(at(one, 'refId')) || String.fromCharCode(65 + (i % 26)));
    const put = (part: Obj) => onChange({ ...value, options: { ...(object(options) ?? {}), ...part } });
    return (
        <div class="ed-form">
            <Select label={t('For')} value={id} options={kinds} onChange={(next) => onChange({ id: next, options: fresh[next] ?? '' })} />
            {id === 'byName' && (
                <Combo
                    label={t('Name')}
                    free
                    value={text(options)}
                    options={names.map((name) => ({ value: name, label: name }))}
                    onOpen={load}
                    onChange={(next) => onChange({ id, options: next })}
                />
            )}
            {id === 'byRegexp' && (
                <TextField
                    label={t('Expression')}
                    mono
                    value={text(options)}
                    placeholder="/^cpu/"
                    onChange={(next) => onChange({ id, options: next })}
                />
            )}
            {id === 'byType' && (
                <Select
                    label={t('Type')}
                    value={text(options)}
                    options={[
                        { value: 'number', label: t('Number') },
                        { value: 'time', label: t('Time') },
                        { value: 'string', label: t('Text') },
                        { value: 'boolean', label: t('Yes or no') },
                    ]}
                    onChange={(next) => onChange({ id, options: next })}
                />
            )}
            {id === 'byFrameRefID' && (
                <Select
                    label={t('Query')}
                    value={text(options)}
                    options={letters.map((one) => ({ value: one, label: one }))}
                    onChange={(next) => onChange({ id, options: next })}
                />
            )}
            {id === 'byNames' && (
                <Edit
                    control={{ is: 'fields' }}
                    label={t('Names')}
                    value={at(options, 'names')}
                    onChange={(next) => put({ names: next ?? [] })}
                />
            )}
            {id === 'byNames' && (
                <Edit
                    control={{
                        is: 'one',
                        of: [
                            ['include', 'These'],
                            ['exclude', 'All others'],
                        ],
                    }}
                    label={t('Fields')}
                    initial="include"
                    value={at(options, 'mode')}
                    onChange={(next) => put({ mode: next ?? 'include' })}
                />
            )}
            {id === 'byValue' && (
                <Select
                    label={t('Value')}
                    value={text(at(options, 'reducer'))}
                    options={reducers()}
                    onChange={(reducer) => put({ reducer })}
                />
            )}
            {id === 'byValue' && (
                <Select
                    label={t('Is')}
                    value={text(at(options, 'op'))}
                    options={[
                        { value: 'gt', label: '>' },
                        { value: 'gte', label: '≥' },
                        { value: 'lt', label: '<' },
                        { value: 'lte', label: '≤' },
                        { value: 'eq', label: '=' },
                        { value: 'neq', label: '≠' },
                    ]}
                    onChange={(op) => put({ op })}
                />
            )}
            {id === 'byValue' && (
                <NumberField label={t('Number')} value={Number(at(options, 'value') ?? 0)} onChange={(next) => put({ value: next ?? 0 })} />
            )}
        </div>
    );
}

function Properties({ known, value, onChange }: { known: Option[]; value: Obj[]; onChange: (properties: Obj[], merge: string) => void }) {
    const kind = useWork().kind,
        idOf = (option: Option) => option.path.slice(FIELD.length);
    const put = (i: number, next: Json | undefined) =>
        onChange(
            value.map((one, j) => (j === i ? { ...one, value: next ?? null } : one)),
            `p${i}`,
        );
    const left = known.filter((one) => !value.some((property) => property.id === idOf(one)));
    return (
        <>
            <div class="pe-properties">
                {value.map((property, i) => {
                    const option = known.find((one) => idOf(one) === property.id),
                        label = option ? t(option.label) : text(property.id),
                        isWhole = !option || WHOLE.includes(option.control.is);
                    return (
                        <div key={text(property.id)} class={isWhole ? 'pe-property wide' : 'pe-property'}>
                            <div class="ed-form">
                                {option && isWhole && <b class="ed-f wide">{label}</b>}
                                {option && kind ? (
                                    <Edit
                                        control={option.control}
                                        label={label}
                                        value={property.value ?? undefined}
                                        initial={initialOf(option, kind)}
                                        onChange={(next) => put(i, next)}
                                    />
                                ) : (
                                    <JsonField label={label} value={property.value ?? null} onChange={(next) => put(i, next)} />
                                )}
                            </div>
                            <IconButton
                                svg={x}
                                label={t('Remove {}', label)}
                                onPress={() =>
                                    onChange(
                                        value.filter((_, j) => j !== i),
                                        '',
                                    )
                                }
                            />
                        </div>
                    );
                })}
            </div>
            <div class="pe-add">
                <Combo
                    label={t('Add an option')}
                    value=""
                    placeholder={t('Find one')}
                    options={left.map((one) => ({ value: idOf(one), label: t(one.label), hint: t(one.group), group: one.words ?? '' }))}
                    onChange={(id) => {
                        const option = known.find((one) => idOf(one) === id);
                        if (option && kind) onChange([...value, { id, value: initialOf(option, kind) ?? null }], '');
                    }}
                />
            </div>
        </>
    );
}

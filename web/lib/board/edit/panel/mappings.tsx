/** Texts and colours for values: a value, a range, an expression, or what is special. */
import plus from 'icon:plus';
import type { Json, Obj } from '../draft.ts';
import { Select } from '../parts/choose.tsx';
import { ColourField } from '../parts/colour.tsx';
import { Icon } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { NumberField, TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { type Mapped, mappingRows, mappingsOf } from './mapped.ts';

/** Most of them. */
const ROWS_MAX = 500;

export function Mappings({ value, onChange }: { value: Json | undefined; onChange: (value: Json | undefined) => void }) {
    const rows = mappingRows(value);
    const take = (next: Mapped[]) => onChange(next.length ? mappingsOf(next) : undefined);
    const change = (i: number, part: Partial<Mapped>) => take(rows.map((one, j) => (j === i ? { ...one, ...part } : one)));
    const kinds = [
        { value: 'value', label: t('Value') },
        { value: 'range', label: t('Range') },
        { value: 'regex', label: t('Expression') },
        { value: 'special', label: t('Special') },
    ] as const;
    const special = [
        { value: 'null', label: t('Nothing') },
        { value: 'nan', label: t('Not a number') },
        { value: 'null+nan', label: t('Nothing, or not a number') },
        { value: 'true', label: t('True') },
        { value: 'false', label: t('False') },
        { value: 'empty', label: t('Empty text') },
    ];
    return (
        <div class="ed-f wide">
            <Reorder
                items={rows}
                named={(one, i) => one.text || one.match || String(i + 1)}
                onChange={take}
                head={(one, i) => (
                    <Select
                        quiet
                        label={t('Kind of value {}', i + 1)}
                        value={one.type}
                        options={kinds}
                        onChange={(type) => change(i, { type, match: type === 'special' ? 'null' : '' })}
                    />
                )}
            >
                {(one, i) => (
                    <div class="ed-form">
                        {one.type === 'value' && (
                            <TextField label={t('Value')} value={one.match} onChange={(match) => change(i, { match })} />
                        )}
                        {one.type === 'regex' && (
                            <TextField
                                label={t('Expression')}
                                mono
                                value={one.match}
                                placeholder="^node-(\w+)$"
                                onChange={(match) => change(i, { match })}
                            />
                        )}
                        {one.type === 'special' && (
                            <Select label={t('Value')} value={one.match} options={special} onChange={(match) => change(i, { match })} />
                        )}
                        {one.type === 'range' && (
                            <NumberField label={t('From')} value={one.from} onChange={(from) => change(i, { from })} />
                        )}
                        {one.type === 'range' && <NumberField label={t('To')} value={one.to} onChange={(to) => change(i, { to })} />}
                        <TextField label={t('Text')} value={one.text} onChange={(words) => change(i, { text: words })} />
                        <ColourField label={t('Colour')} value={one.color} onChange={(color) => change(i, { color })} />
                    </div>
                )}
            </Reorder>
            <button
                type="button"
                class="btn sm ed-add"
                disabled={rows.length >= ROWS_MAX}
                onClick={() => take([...rows, { type: 'value', match: '', text: '', color: '', rest: {} as Obj }])}
            >
                <Icon svg={plus} />
                {t('Add a text for a value')}
            </button>
        </div>
    );
}

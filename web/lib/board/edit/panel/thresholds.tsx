/** Thresholds: from which value on a colour counts. */
import plus from 'icon:plus';
import bin from 'icon:trash-2';
import type { Json, Obj } from '../draft.ts';
import { Segmented } from '../parts/choose.tsx';
import { ColourField } from '../parts/colour.tsx';
import { Icon, IconButton } from '../parts/icon.tsx';
import { NumberField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { list, object, text } from './path.ts';

/** Most steps. */
const STEPS_MAX = 50;
/** Colours of new steps. */
const NEXT = ['red', 'orange', 'yellow', 'blue', 'purple', 'green'];

const from = (step: Obj): number => (typeof step.value === 'number' ? step.value : -Infinity);

export function Thresholds({ value, onChange }: { value: Json | undefined; onChange: (value: Json | undefined) => void }) {
    const whole = object(value) ?? {},
        given = list(whole.steps).map((one) => object(one) ?? {});
    const steps: Obj[] = given.length ? given : [{ color: 'green', value: null }];
    const mode = whole.mode === 'percentage' ? 'percentage' : 'absolute';
    const take = (next: Obj[], sorted = true) =>
        onChange({ ...whole, mode, steps: sorted ? [...next].sort((a, b) => from(a) - from(b)) : next });
    const change = (i: number, part: Obj) =>
        take(
            steps.map((one, j) => (j === i ? { ...one, ...part } : one)),
            false,
        );
    const add = () => {
        const last = Math.max(...steps.map(from)),
            used = steps.map((one) => one.color);
        take([
            ...steps,
            {
                color: NEXT.find((one) => !used.includes(one)) ?? 'red',
                value: Number.isFinite(last)
                    ? Number((last + (mode === 'percentage' ? 10 : Math.max(1, Math.abs(last) / 4))).toPrecision(6))
                    : 80,
            },
        ]);
    };
    return (
        <div class="ed-f wide">
            <Segmented
                label={t('Thresholds are')}
                value={mode}
                options={[
                    { value: 'absolute', label: t('Values') },
                    { value: 'percentage', label: t('Percent of least to greatest') },
                ]}
                onChange={(next) => onChange({ ...whole, mode: next, steps })}
            />
            <ul
                class="pe-rows"
                onFocusOut={() => {
                    if (steps.some((one, i) => i > 0 && from(one) < from(steps[i - 1] as Obj))) take(steps);
                }}
            >
                {steps.map((step, i) => {
                    const isBase = from(step) === -Infinity;
                    return (
                        <li key={i} class="pe-row">
                            {isBase ? (
                                <span class="pe-base">{t('From the start')}</span>
                            ) : (
                                <NumberField
                                    quiet
                                    label={t('Threshold {}', i)}
                                    value={from(step)}
                                    onChange={(next) => {
                                        if (next !== undefined) change(i, { value: next });
                                    }}
                                />
                            )}
                            <ColourField
                                quiet
                                label={isBase ? t('Colour from the start') : t('Colour of threshold {}', i)}
                                value={text(step.color)}
                                onChange={(color) => change(i, { color })}
                            />
                            {!isBase && (
                                <IconButton
                                    svg={bin}
                                    bad
                                    label={t('Remove threshold {}', i)}
                                    onPress={() => take(steps.filter((_, j) => j !== i))}
                                />
                            )}
                        </li>
                    );
                })}
            </ul>
            <button type="button" class="btn sm ed-add" disabled={steps.length >= STEPS_MAX} onClick={add}>
                <Icon svg={plus} />
                {t('Add a threshold')}
            </button>
        </div>
    );
}

/** Transformations: steps that change answers before they are drawn, in order. */
import { useContext } from 'preact/hooks';
import eye from 'icon:eye';
import eyeOff from 'icon:eye-off';
import type { Json, Obj } from '../draft.ts';
import { Combo } from '../parts/combo.tsx';
import { IconButton } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { Columns } from './columns.tsx';
import { Naming, Parts } from './edit.tsx';
import { JsonField } from './json.tsx';
import { at, list, object, text } from './path.ts';
import { STEPS, stepOf } from './steps.ts';
import { useWork } from './work.ts';

/** Most steps. */
const STEPS_MAX = 50;

export function Transforms({ naming }: { naming: (steps: number) => Promise<string[]> }) {
    const work = useWork(),
        steps = list(work.get('transformations')).map((one) => object(one) ?? {});
    const many = list(work.get('targets')).length > 1;
    const take = (what: string, next: Obj[], merge = '') =>
        work.change(
            what,
            (panel) => {
                panel.transformations = next;
            },
            merge,
        );
    const change = (i: number, part: Obj, merge: string) =>
        take(
            t('Change a transformation'),
            steps.map((one, j) => (j === i ? { ...one, ...part } : one)),
            `t${i} ${merge}`,
        );
    const named = (one: Obj) => {
        const known = stepOf(text(one.id));
        return known ? t(known.label) : text(one.id);
    };
    return (
        <div class="pe-steps">
            {!steps.length && (
                <p class="faint">{t('Answers are drawn as they come. Transformations join, calculate, sort or rename before that.')}</p>
            )}
            <Reorder
                items={steps}
                named={(one) => named(one)}
                onChange={(next) => take(next.length < steps.length ? t('Remove a transformation') : t('Move a transformation'), next)}
                head={(one, i) => (
                    <>
                        <span class="faint">{i + 1}</span>
                        <b class={one.disabled ? 'ell faint' : 'ell'}>{named(one)}</b>
                        {one.disabled === true && <span class="tag">{t('left out')}</span>}
                    </>
                )}
                beside={(one, i) => (
                    <IconButton
                        svg={one.disabled ? eyeOff : eye}
                        pressed={!one.disabled}
                        label={t('Apply {}', named(one))}
                        onPress={() => change(i, { disabled: !one.disabled }, 'on')}
                    />
                )}
            >
                {(one, i) => (
                    <Naming.Provider value={() => naming(i)}>
                        <Options one={one} onChange={(options) => change(i, { options }, 'options')} />
                        {many && (
                            <div class="ed-form">
                                <TextField
                                    label={t('Only of queries')}
                                    mono
                                    value={text(at(one.filter, 'options'))}
                                    placeholder={t('All')}
                                    onChange={(letters) =>
                                        change(i, { filter: (letters ? { id: 'byRefId', options: letters } : undefined) as Json }, 'filter')
                                    }
                                />
                            </div>
                        )}
                    </Naming.Provider>
                )}
            </Reorder>
            <div class="pe-add">
                <Combo
                    label={t('Add a transformation')}
                    value=""
                    placeholder={t('Find one')}
                    options={STEPS.map((step) => ({ value: step.id, label: t(step.label), hint: step.id, group: step.words }))}
                    onChange={(id) => {
                        const step = stepOf(id);
                        if (step && steps.length < STEPS_MAX)
                            take(t('Add a transformation'), [...steps, { id, options: structuredClone(step.fresh ?? {}) }]);
                    }}
                />
            </div>
        </div>
    );
}

function Options({ one, onChange }: { one: Obj; onChange: (options: Obj) => void }) {
    const step = stepOf(text(one.id)),
        value = object(one.options) ?? {};
    useContext(Naming);
    if (step?.columns) return <Columns value={value} onChange={onChange} />;
    if (step?.parts)
        return step.parts.length ? (
            <div class="ed-form">
                <Parts of={step.parts} value={value} onChange={onChange} />
            </div>
        ) : null;
    return (
        <JsonField
            label={t('Options, as JSON')}
            value={value}
            onChange={(next) => {
                const whole = object(next);
                if (whole) onChange(whole);
            }}
            {...(step ? {} : { help: t('Pharos does not know this transformation: it is left out.') })}
        />
    );
}

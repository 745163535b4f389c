/** Columns by their names: their order, other names, in sight or not; and what becomes of each in groups. */
import { useEffect } from 'preact/hooks';
import eye from 'icon:eye';
import eyeOff from 'icon:eye-off';
import type { Obj } from '../draft.ts';
import { IconButton } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import type { Part } from './control.ts';
import { Parts, useNames } from './edit.tsx';
import { object, text } from './path.ts';

/** `organize`: what is there now, and what was named before. */
export function Columns({ value, onChange }: { value: Obj; onChange: (value: Obj) => void }) {
    const { names, load } = useNames();
    useEffect(load, []);
    const hidden = object(value.excludeByName) ?? {},
        order = object(value.indexByName) ?? {},
        called = object(value.renameByName) ?? {};
    const known = [...new Set([...names, ...Object.keys(order), ...Object.keys(hidden), ...Object.keys(called)])];
    const place = (name: string) => (typeof order[name] === 'number' ? order[name] : Number.MAX_SAFE_INTEGER);
    const shown = known
        .map((name, i) => ({ name, i }))
        .sort((a, b) => place(a.name) - place(b.name) || a.i - b.i)
        .map((one) => one.name);
    if (!shown.length) return <p class="faint ed-f wide">{t('Columns stand here once there is data.')}</p>;
    return (
        <div class="ed-f wide pe-cols">
            <Reorder
                fixed
                items={shown}
                named={(name) => name}
                id={(name) => name}
                onChange={(next) => onChange({ ...value, indexByName: Object.fromEntries(next.map((name, i) => [name, i])) })}
                head={(name) => (
                    <>
                        <IconButton
                            svg={hidden[name] ? eyeOff : eye}
                            pressed={!hidden[name]}
                            label={t('Show {}', name)}
                            onPress={() => onChange({ ...value, excludeByName: { ...hidden, [name]: !hidden[name] } })}
                        />
                        <b class={hidden[name] ? 'ell faint' : 'ell'}>{name}</b>
                        <TextField
                            quiet
                            label={t('Another name for {}', name)}
                            placeholder={t('Another name')}
                            value={text(called[name])}
                            onChange={(next) => onChange({ ...value, renameByName: { ...called, [name]: next } })}
                        />
                    </>
                )}
            >
                {() => null}
            </Reorder>
        </div>
    );
}

/** `groupBy`: each column groups, is reduced, or goes. */
export function ByField({ of, value, onChange }: { of: readonly Part[]; value: Obj; onChange: (value: Obj) => void }) {
    const { names, load } = useNames();
    useEffect(load, []);
    const known = [...new Set([...names, ...Object.keys(value)])];
    if (!known.length) return <p class="faint ed-f wide">{t('Columns stand here once there is data.')}</p>;
    return (
        <ul class="ed-items ed-f wide">
            {known.map((name) => (
                <li key={name} class="ed-item">
                    <b class="ell">{name}</b>
                    <div class="ed-form">
                        <Parts of={of} value={object(value[name]) ?? {}} onChange={(next) => onChange({ ...value, [name]: next })} />
                    </div>
                </li>
            ))}
        </ul>
    );
}

/** A list to search in: one of many, by keyboard and pointer. */
import { useId, useRef, useState } from 'preact/hooks';
import { score } from '../../../fuzzy.ts';
import type { Choice } from './choose.tsx';
import { Field, type Said } from './field.tsx';
import { t } from './words.ts';

/** Choices that are shown at once; typing finds the others. */
const SHOWN_MAX = 150;

export interface ComboProps extends Said {
    value: string;
    options: readonly Choice[];
    onChange: (value: string) => void;
    /** What is typed may be a value of its own. */ free?: boolean;
    /** Half of a word that leaves the field is one only where the list has nothing like it. */ listed?: boolean;
    placeholder?: string;
    mono?: boolean;
    onOpen?: () => void;
}

export function Combo({ value, options, onChange, free, listed, placeholder, mono, onOpen, ...said }: ComboProps) {
    const id = useId(),
        box = useRef<HTMLDivElement>(null),
        field = useRef<HTMLInputElement>(null);
    /** What is typed; null while the list is closed. */
    const [typed, setTyped] = useState<string | null>(null);
    const [at, setAt] = useState(0);
    const known = options.find((one) => one.value === value);
    const found = typed === null ? [] : searched(options, typed, free ?? false);
    const shown = found.slice(0, SHOWN_MAX);
    const own = free && typed?.trim() && !options.some((one) => one.value === typed.trim()) ? typed.trim() : '';
    const values = [...shown.map((one) => one.value), ...(own ? [own] : [])];

    const open = () => {
        if (typed === null) {
            onOpen?.();
            setTyped('');
            setAt(
                Math.max(
                    0,
                    options.findIndex((one) => one.value === value),
                ),
            );
            place();
        }
    };
    const close = () => {
        setTyped(null);
    };
    const take = (chosen: string | undefined) => {
        if (chosen !== undefined) onChange(chosen);
        close();
    };
    /** The list opens upwards where there is no room below. */
    const place = () => {
        const r = field.current?.getBoundingClientRect();
        box.current?.classList.toggle('up', !!r && r.bottom + 300 > innerHeight && r.top > 300);
    };
    const press = (e: KeyboardEvent) => {
        if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
            e.preventDefault();
            if (typed === null) {
                open();
                return;
            }
            const next = Math.max(0, Math.min(values.length - 1, at + (e.key === 'ArrowDown' ? 1 : -1)));
            setAt(next);
            requestAnimationFrame(() => document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' }));
        } else if (e.key === 'Enter' && typed !== null) {
            e.preventDefault();
            take(values[at]);
        } else if (e.key === 'Escape' && typed !== null) {
            e.preventDefault();
            e.stopPropagation();
            close();
        }
    };
    return (
        <Field {...said}>
            {(named) => (
                <div
                    class="ed-combo"
                    ref={box}
                    onFocusOut={(e) => {
                        if (!box.current?.contains(e.relatedTarget as Node | null)) {
                            if (own && !(listed && found.length)) take(own);
                            else close();
                        }
                    }}
                >
                    <input
                        {...named}
                        ref={field}
                        class={mono ? 'in mono' : 'in'}
                        role="combobox"
                        aria-expanded={typed !== null}
                        aria-controls={`${id}-l`}
                        aria-autocomplete="list"
                        aria-activedescendant={typed !== null && values.length ? `${id}-${at}` : undefined}
                        autocomplete="off"
                        spellcheck={false}
                        maxLength={500}
                        dir="auto"
                        placeholder={typed === null ? placeholder : known?.label || value || placeholder}
                        value={typed ?? known?.label ?? value}
                        onClick={open}
                        onInput={(e) => {
                            if (typed === null) onOpen?.();
                            setTyped(e.currentTarget.value);
                            setAt(0);
                            place();
                        }}
                        onKeyDown={press}
                    />
                    <ul
                        class="ed-list"
                        id={`${id}-l`}
                        role="listbox"
                        aria-label={said.label}
                        hidden={typed === null}
                        onMouseDown={(e) => e.preventDefault()}
                    >
                        {shown.map((one, i) => (
                            <li key={one.value} id={`${id}-${i}`} role="option" aria-selected={i === at} onClick={() => take(one.value)}>
                                <span>{one.label}</span>
                                {(one.hint || one.group) && <small>{one.hint || one.group}</small>}
                            </li>
                        ))}
                        {own && (
                            <li id={`${id}-${shown.length}`} role="option" aria-selected={at === shown.length} onClick={() => take(own)}>
                                <span>{t('Use {}', own)}</span>
                            </li>
                        )}
                        {typed !== null && !values.length && (
                            <li class="no" role="option" aria-disabled="true" aria-selected="false">
                                {t('Nothing is called that.')}
                            </li>
                        )}
                        {found.length > SHOWN_MAX && (
                            <li class="no" role="option" aria-disabled="true" aria-selected="false">
                                {t('and {} more: type to find them', found.length - SHOWN_MAX)}
                            </li>
                        )}
                    </ul>
                </div>
            )}
        </Field>
    );
}

/** Those that what is typed finds, the best first; groups count as words. Where words of one's own count too, letters apart are no hit. */
function searched(options: readonly Choice[], typed: string, free: boolean): readonly Choice[] {
    const words = typed.trim(),
        least = free ? 1_500 : 500;
    if (!words) return options;
    return options
        .map((one) => ({ one, label: score(words, one.label), rest: score(words, `${one.group ?? ''} ${one.hint ?? ''} ${one.value}`) }))
        .filter((hit) => hit.label >= least || hit.rest >= 1_500)
        .sort((a, b) => Math.max(b.label * 2, b.rest) - Math.max(a.label * 2, a.rest))
        .map((hit) => hit.one);
}

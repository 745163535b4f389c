/** Fields that choose: one of few (segments), one of some (a list), on or off, tabs. */
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { Field, Group, type Said } from './field.tsx';

export interface Choice<V extends string = string> {
    value: V;
    label: string;
    /** A word of what it does, or where it belongs. */ hint?: string;
    group?: string;
}

/** One of some; a value that is not offered is shown as it is, so that it is never lost unseen. */
export function Select<V extends string>({
    value,
    options,
    onChange,
    ...said
}: Said & { value: V; options: readonly Choice<V>[]; onChange: (value: V) => void }) {
    const known = options.some((one) => one.value === value);
    return (
        <Field {...said}>
            {(named) => (
                <select {...named} class="in" value={value} onChange={(e) => onChange(e.currentTarget.value as V)}>
                    {!known && <option value={value}>{value}</option>}
                    {options.map((one) => (
                        <option key={one.value} value={one.value}>
                            {one.label}
                        </option>
                    ))}
                </select>
            )}
        </Field>
    );
}

/** One of few, all of them in sight. */
export function Segmented<V extends string>({
    value,
    options,
    onChange,
    ...said
}: Said & { value: V; options: readonly Choice<V>[]; onChange: (value: V) => void }) {
    return (
        <Group {...said}>
            <span class="seg ed-seg">
                {options.map((one) => (
                    <button
                        key={one.value}
                        type="button"
                        aria-pressed={one.value === value}
                        title={one.hint}
                        onClick={() => onChange(one.value)}
                    >
                        {one.label}
                    </button>
                ))}
            </span>
        </Group>
    );
}

/** On or off. */
export function Switch({ label, help, value, onChange, wide }: Said & { value: boolean; onChange: (value: boolean) => void }) {
    const id = useId();
    return (
        <div class={wide ? 'ed-f ed-tick wide' : 'ed-f ed-tick'}>
            <label class="tick">
                <input
                    type="checkbox"
                    role="switch"
                    checked={value}
                    aria-describedby={help ? id : undefined}
                    onChange={(e) => onChange(e.currentTarget.checked)}
                />
                {label}
            </label>
            {help && <small id={id}>{help}</small>}
        </div>
    );
}

export interface Tab {
    id: string;
    label: string;
    /** How many there are, where that helps. */ count?: number;
}

/** Tabs with arrow keys; `children` is what the chosen one shows. */
export function Tabs({
    label,
    tabs,
    value,
    onChange,
    beside,
    children,
}: {
    label: string;
    tabs: Tab[];
    value: string;
    onChange: (id: string) => void;
    /** Stands at the end of the row. */ beside?: ComponentChildren;
    children: ComponentChildren;
}) {
    const id = useId(),
        at = useRef<HTMLDivElement>(null),
        known = tabs.some((tab) => tab.id === value);
    const step = (e: KeyboardEvent) => {
        const turn = getComputedStyle(e.currentTarget as Element).direction === 'rtl' ? -1 : 1;
        const now = tabs.findIndex((tab) => tab.id === value),
            last = tabs.length - 1;
        const next =
            e.key === 'ArrowRight' ? now + turn : e.key === 'ArrowLeft' ? now - turn : e.key === 'Home' ? 0 : e.key === 'End' ? last : null;
        const tab = next === null ? undefined : tabs[next > last ? 0 : next < 0 ? last : next];
        if (!tab) return;
        e.preventDefault();
        onChange(tab.id);
        at.current?.querySelector<HTMLElement>(`[data-tab="${CSS.escape(tab.id)}"]`)?.focus();
    };
    return (
        <div class="ed-tabbed">
            <div class="ed-tabbar">
                <div class="ed-tabs" role="tablist" aria-label={label} ref={at} onKeyDown={step}>
                    {tabs.map((tab, i) => (
                        <button
                            key={tab.id}
                            type="button"
                            role="tab"
                            id={`${id}-${tab.id}`}
                            data-tab={tab.id}
                            aria-selected={tab.id === value}
                            aria-controls={tab.id === value ? `${id}-p` : undefined}
                            tabIndex={tab.id === value || (!known && i === 0) ? 0 : -1}
                            onClick={() => onChange(tab.id)}
                        >
                            {tab.label}
                            {tab.count ? <span class="n">{tab.count}</span> : null}
                        </button>
                    ))}
                </div>
                {beside}
            </div>
            <div
                class="ed-tab"
                role="tabpanel"
                tabIndex={-1}
                id={`${id}-p`}
                {...(known ? { 'aria-labelledby': `${id}-${value}` } : { 'aria-label': label })}
            >
                {children}
            </div>
        </div>
    );
}

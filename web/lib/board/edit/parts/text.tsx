/** Fields for texts and numbers. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Field, type Said } from './field.tsx';
import { t } from './words.ts';

/** Longest text of a field, unless it says. */
const CHARS_MAX = 10_000;

export interface TextProps extends Said {
    value: string;
    onChange: (value: string) => void;
    placeholder?: string;
    mono?: boolean;
    rows?: number;
    max?: number;
    offered?: string[];
    onEnter?: () => void;
    focus?: boolean;
}

/** A text; `rows` makes it a box, `offered` lists what may be typed. */
export function TextField({ value, onChange, placeholder, mono, rows, max = CHARS_MAX, offered, onEnter, focus, ...said }: TextProps) {
    const at = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
    useEffect(() => {
        if (focus) at.current?.focus();
    }, []);
    const cls = mono ? 'in mono' : 'in';
    return (
        <Field {...said}>
            {(named) =>
                rows ? (
                    <textarea
                        {...named}
                        ref={at}
                        class={`${cls} ed-box`}
                        rows={rows}
                        style={{ minHeight: `${rows * 19 + 14}px` }}
                        maxLength={max}
                        placeholder={placeholder}
                        dir="auto"
                        spellcheck={!mono}
                        value={value}
                        onInput={(e) => onChange(e.currentTarget.value)}
                    />
                ) : (
                    <>
                        <input
                            {...named}
                            ref={at}
                            class={cls}
                            maxLength={max}
                            placeholder={placeholder}
                            dir={mono ? 'ltr' : 'auto'}
                            spellcheck={!mono}
                            autocomplete="off"
                            list={offered ? `${named.id}-o` : undefined}
                            value={value}
                            onInput={(e) => onChange(e.currentTarget.value)}
                            onKeyDown={(e) => {
                                if (e.key === 'Enter') onEnter?.();
                            }}
                        />
                        {offered && (
                            <datalist id={`${named.id}-o`}>
                                {offered.slice(0, 500).map((one) => (
                                    <option key={one} value={one} />
                                ))}
                            </datalist>
                        )}
                    </>
                )
            }
        </Field>
    );
}

export interface NumberProps extends Said {
    value: number | undefined;
    onChange: (value: number | undefined) => void;
    min?: number;
    max?: number;
    step?: number;
    placeholder?: string;
}

/** A number; an empty field is none. What is no number is said and not taken. */
export function NumberField({ value, onChange, min, max, step, placeholder, error, ...said }: NumberProps) {
    const [typed, setTyped] = useState(value == null ? '' : String(value));
    const [wrong, setWrong] = useState('');
    // What changed elsewhere (a step back) shows; what is being typed stays.
    useEffect(() => {
        if (read(typed) !== value) {
            setTyped(value == null ? '' : String(value));
            setWrong('');
        }
    }, [value]);
    const take = (text: string) => {
        setTyped(text);
        const found = read(text);
        const bad =
            text.trim() && found === undefined
                ? t('Write a number, or nothing.')
                : found !== undefined && min !== undefined && found < min
                  ? t('At least {}.', min)
                  : found !== undefined && max !== undefined && found > max
                    ? t('At most {}.', max)
                    : '';
        setWrong(bad);
        if (!bad) onChange(found);
    };
    return (
        <Field {...said} error={wrong || error}>
            {(named) => (
                <input
                    {...named}
                    class="in"
                    inputMode={step && step % 1 === 0 && (min ?? -1) >= 0 ? 'numeric' : 'text'}
                    dir="ltr"
                    autocomplete="off"
                    maxLength={40}
                    placeholder={placeholder}
                    value={typed}
                    onInput={(e) => take(e.currentTarget.value)}
                    onKeyDown={(e) => {
                        const by = e.key === 'ArrowUp' ? 1 : e.key === 'ArrowDown' ? -1 : 0;
                        if (!by) return;
                        e.preventDefault();
                        const next = (read(typed) ?? (placeholder ? read(placeholder) : undefined) ?? 0) + by * (step ?? 1);
                        take(String(Math.min(max ?? Infinity, Math.max(min ?? -Infinity, Number(next.toPrecision(12))))));
                    }}
                />
            )}
        </Field>
    );
}
const read = (text: string): number | undefined => (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : undefined);

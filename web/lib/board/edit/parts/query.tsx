/** A field for a query: a text box that becomes the editor of PromQL or LogQL once that is there. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Editor } from '../../../../islands/editor.ts';
import { standIn } from '../../../../lang/stand_in.ts';
import { Group, type Said } from './field.tsx';
import type { Speaks } from './source.tsx';
import { t } from './words.ts';

/** Variables that every dashboard has. */
const ALWAYS = ['__rate_interval', '__interval', '__interval_ms', '__range', '__range_s', '__range_ms', '__from', '__to'];
/** Longest query, in characters. */
const CHARS_MAX = 50_000;

export interface QueryProps extends Said {
    value: string;
    onChange: (value: string) => void;
    /** Enter: it is asked at once. */
    onRun?: () => void;
    language: Speaks;
    /** What the server said, with its place. */
    problem?: { message: string; start?: number; end?: number } | null;
    placeholder?: string;
    /** Names of variables that it may hold. */
    variables?: readonly string[];
}

export function QueryField({ value, onChange, onRun, language, problem, placeholder, variables = [], ...said }: QueryProps) {
    const at = useRef<HTMLDivElement>(null);
    const heard = useRef({ onChange, onRun });
    heard.current = { onChange, onRun };
    /** What was typed and did not come back yet: an older text is no news while a newer one is on its way. */
    const told = useRef<string[]>([]);
    const editor = () => at.current?.querySelector<Editor>('ph-editor') ?? null;
    // The field of the editor is its own: it is made once for each language, and told what changed elsewhere.
    useEffect(() => {
        const box = at.current;
        if (!box) return;
        const area = document.createElement('textarea');
        Object.assign(area, {
            className: 'mono',
            rows: 1,
            spellcheck: false,
            autocomplete: 'off',
            placeholder: placeholder ?? '',
            maxLength: CHARS_MAX,
            value,
        });
        area.setAttribute('aria-label', said.label);
        area.dir = 'ltr';
        const whole = document.createElement(language ? 'ph-editor' : 'div');
        whole.setAttribute('language', language);
        whole.setAttribute('variables', [...variables, ...ALWAYS].join(' '));
        whole.append(area);
        const typed = () => {
                told.current.push(area.value);
                heard.current.onChange(area.value);
            },
            run = () => heard.current.onRun?.();
        area.addEventListener('input', typed);
        area.addEventListener('keydown', (e) => {
            if (e.key === 'Enter' && !e.shiftKey) {
                e.preventDefault();
                run();
            }
        });
        whole.addEventListener('ph:run', (e) => {
            e.stopPropagation();
            run();
        });
        box.replaceChildren(whole);
        if (language) void import('../../../../islands/editor.ts');
        return () => whole.remove();
    }, [language]);
    useEffect(() => {
        const area = at.current?.querySelector('textarea'),
            whole = editor();
        const back = told.current.lastIndexOf(value);
        if (back >= 0) {
            told.current.splice(0, back + 1);
            return;
        }
        if (!area || area.value === value) return;
        if (whole?.dataset.ready) whole.value = value;
        else area.value = value;
        // That was not typed.
        told.current = [];
    }, [value]);
    // Without a place the server speaks of the query with variables filled in: the editor finds the place by itself.
    const marked = useRef(false);
    useEffect(() => {
        const placed = problem?.start === undefined ? null : problem,
            whole = editor();
        if (whole?.dataset.ready && (placed || marked.current)) {
            whole.problem(placed);
            marked.current = placed !== null;
        }
    }, [problem?.message, problem?.start]);
    return (
        <Group {...said}>
            <div ref={at} class="ed-query" dir="ltr" />
            {said.error && (
                <small class="crit-t" role="alert" dir="auto">
                    {said.error}
                </small>
            )}
        </Group>
    );
}

/** What a query of PromQL does, step by step. */
export function Explained({ query }: { query: string }) {
    const [told, tell] = useState<{ code: string; words: string }[] | string>([]);
    useEffect(() => {
        const ctl = new AbortController();
        const timer = setTimeout(
            () =>
                void ask(query, ctl.signal).then(
                    (found) => {
                        if (!ctl.signal.aborted) tell(found);
                    },
                    () => undefined,
                ),
            300,
        );
        return () => {
            clearTimeout(timer);
            ctl.abort();
        };
    }, [query]);
    if (typeof told === 'string')
        return (
            <p class="explain crit-t" dir="auto">
                {told}
            </p>
        );
    return (
        <div class="explain">
            <ol>
                {told.map((step, i) => (
                    <li key={i}>
                        <code dir="ltr">{step.code}</code>
                        <span>{step.words}</span>
                    </li>
                ))}
            </ol>
        </div>
    );
}
async function ask(query: string, signal: AbortSignal): Promise<{ code: string; words: string }[] | string> {
    if (!query.trim()) return t('Write a query first.');
    const [{ explain }, res] = await Promise.all([
        import('../../../../lang/explain.ts'),
        fetch('/api/v1/parse_query', {
            method: 'POST',
            signal,
            body: new URLSearchParams({ query: standIn(query).text }),
            headers: { 'x-requested-with': 'pharos' },
        }),
    ]);
    const body = (await res.json().catch(() => null)) as { data?: Parameters<typeof explain>[0]; error?: string } | null;
    return body?.data ? explain(body.data) : (body?.error ?? t('The server cannot be reached.'));
}

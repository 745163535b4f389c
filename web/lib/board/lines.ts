/** Answers as they come: one JSON object a line. */

/** Cuts chunks into lines; what has no end yet waits for it. */
export function cutter(each: (line: string) => void): { push(text: string): void; end(): void } {
  let rest = '';
  return {
    push(text) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.trim()) each(part);
    },
    end() {
      if (rest.trim()) each(rest);
      rest = '';
    },
  };
}

/** Reads a body line by line; a line that is no JSON is left out. Rejects when the connection breaks. */
export async function read<T>(body: ReadableStream<Uint8Array>, each: (one: T) => void): Promise<void> {
  const lines = cutter((line) => {
    let one: T;
    try {
      one = JSON.parse(line) as T;
    } catch {
      return;
    }
    each(one);
  });
  const reader = body.getReader(),
    text = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    lines.push(text.decode(value, { stream: true }));
  }
  lines.push(text.decode());
  lines.end();
}

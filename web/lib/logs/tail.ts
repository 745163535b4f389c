/** Live lines: a WebSocket, one batch a frame, an even share when more come than can be read, held while the reader reads. */
import { html, raw } from '../html.ts';
import { n as counted, t } from '../words.ts';
import { lines, newestFirst, nanos, type Line, type Stream } from './line.ts';
import type { List } from './list.ts';
import { Sampler } from './sampler.ts';
import pause from 'icon:pause';

/** Lines kept in the list, and lines drawn a second at most. */
const KEPT = 2000,
  RATE = 500;

export class Tail {
  private socket: WebSocket | null = null;
  private waiting: Line[] = [];
  private held: Line[] = [];
  private frame = 0;
  private over = false;
  private tries = 0;
  private shown = '';
  private readonly sampler = new Sampler<Line>(RATE);
  private readonly more: HTMLButtonElement;
  private readonly undo: () => void;

  constructor(
    private readonly list: List,
    private readonly query: string,
    private readonly names: Set<string> | undefined,
    private readonly note: HTMLElement | null,
    private readonly ended: (why: string) => void,
  ) {
    this.more = Object.assign(document.createElement('button'), { className: 'newer', type: 'button', hidden: true });
    this.more.addEventListener('click', () => {
      (list.scrolls ? list.el : window).scrollTo({ top: 0 });
      this.release();
    });
    list.el.before(this.more);
    const scrolled = () => {
      if (list.atTop) this.release();
    };
    const target = list.scrolls ? list.el : window;
    target.addEventListener('scroll', scrolled, { passive: true });
    this.undo = () => target.removeEventListener('scroll', scrolled);
    this.connect(Date.now());
  }

  private connect(since: number): void {
    const url = new URL('/loki/api/v1/tail', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.search = new URLSearchParams({ query: this.query, dialect: 'pharos', limit: '100', start: nanos(since) }).toString();
    const socket = (this.socket = new WebSocket(url));
    let last = since;
    socket.onmessage = (e: MessageEvent<string>) => {
      this.tries = 0;
      const said = JSON.parse(e.data) as { streams?: Stream[] | null };
      const came = lines(said.streams ?? [], this.names).sort(newestFirst);
      last = Date.now();
      for (let i = came.length - 1; i >= 0; i--) this.waiting.push(came[i] as Line);
      if (!this.frame) this.frame = requestAnimationFrame(() => this.flush());
    };
    socket.onclose = (e) => {
      if (this.over) return;
      // The server says why it ends a tail; a lost connection is tried again a few times.
      if (e.code === 1000 || e.reason || this.tries >= 5) {
        this.stop();
        this.ended(e.reason || t('The connection was closed.'));
        return;
      }
      this.tries++;
      setTimeout(
        () => {
          if (!this.over) this.connect(last);
        },
        500 * 2 ** this.tries,
      );
    };
  }

  private flush(): void {
    this.frame = 0;
    const { kept, rate, sampled } = this.sampler.take(this.waiting, performance.now());
    this.waiting = [];
    this.say(
      sampled
        ? t('{} lines a second: showing about 1 of {}', Math.round(rate).toLocaleString('en'), Math.max(2, Math.round(rate / RATE)))
        : '',
    );
    if (!kept.length) return;
    if (this.list.atTop && !this.held.length) {
      this.list.addNew(kept.reverse(), KEPT);
      return;
    }
    this.held.push(...kept);
    if (this.held.length > KEPT) this.held.splice(0, this.held.length - KEPT);
    this.more.hidden = false;
    this.more.textContent = `${counted(this.held.length, '{} new line', '{} new lines')} ↑`;
  }

  private release(): void {
    if (!this.held.length) return;
    const all = this.held.reverse();
    this.held = [];
    this.more.hidden = true;
    this.list.addNew(all, KEPT);
  }

  private say(text: string): void {
    if (!this.note || text === this.shown) return;
    this.shown = text;
    this.note.hidden = !text;
    this.note.innerHTML = html`${raw(pause)}${text}`.text;
  }

  stop(): void {
    this.over = true;
    this.socket?.close(1000);
    cancelAnimationFrame(this.frame);
    this.say('');
    this.release();
    this.more.remove();
    this.undo();
  }
}

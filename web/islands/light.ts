/** The light of a token: asks every two seconds whether its first data is there. Rests in hidden tabs. */

interface Answer {
  state: string;
  text: string;
}
const EVERY = 2000,
  AFTER_FAILURE = 5000;

class Light extends HTMLElement {
  #timer = 0;

  connectedCallback(): void {
    this.#plan(EVERY);
  }
  disconnectedCallback(): void {
    clearTimeout(this.#timer);
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      void this.#look();
    }, wait);
  }

  async #look(): Promise<void> {
    if (document.hidden) {
      this.#plan(EVERY);
      return;
    }
    try {
      const res = await fetch(this.getAttribute('src') ?? '', { headers: { accept: 'application/json' } });
      if (!res.ok) throw new Error(String(res.status));
      const { state, text } = (await res.json()) as Answer;
      this.dataset.state = state;
      const words = this.querySelector('span');
      // Set only when it changes: it is read out loud.
      if (words && words.textContent !== text) words.textContent = text;
      this.#plan(EVERY);
    } catch {
      this.#plan(AFTER_FAILURE);
    }
  }
}

customElements.define('ph-light', Light);

export {};

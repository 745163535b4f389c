/** A short message at the bottom. What shows it is fetched when there is something to say. */
export const toast = (text: string, bad = false): void => {
  void import('./toast.ts').then((m) => m.toast(text, bad));
};

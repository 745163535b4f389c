/** Arabic words of editing dashboards: fetched when it begins. */
export const ar: Record<string, string> = {
};

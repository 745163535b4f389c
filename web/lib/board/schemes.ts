/** Names of the colour schemes of heatmaps, in the order in which they are offered: one hue, several, from one to another, round. */
export const SCHEMES: readonly string[] =
  'Blues Greens Greys Oranges Purples Reds Turbo Viridis Cividis Magma Inferno Plasma Warm Cool Cubehelix BuGn BuPu GnBu OrRd PuBu PuBuGn PuRd RdPu YlGn YlGnBu YlOrBr YlOrRd BrBG PRGn PiYG PuOr RdBu RdGy RdYlBu RdYlGn Spectral Rainbow Sinebow'.split(
    ' ',
  );

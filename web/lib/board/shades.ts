/** Shades of heatmaps: colour schemes by the names that dashboards give them, and which shade a count has. */

/** How a heatmap is coloured: a scheme or shades of one colour; without either, shades of our own. */
export interface Colouring {
  scheme?: string;
  fill?: string;
  exponent?: number;
  steps?: number;
  reverse?: boolean;
  min?: number;
  max?: number;
}

/** Corners of schemes, evenly spaced. They are known by these names everywhere: ColorBrewer's, Matplotlib's, those of D3. */
const CORNERS: Record<string, string> = {
  Blues: 'f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b',
  Greens: 'f7fcf5 e5f5e0 c7e9c0 a1d99b 74c476 41ab5d 238b45 006d2c 00441b',
  Greys: 'ffffff f0f0f0 d9d9d9 bdbdbd 969696 737373 525252 252525 000000',
  Oranges: 'fff5eb fee6ce fdd0a2 fdae6b fd8d3c f16913 d94801 a63603 7f2704',
  Purples: 'fcfbfd efedf5 dadaeb bcbddc 9e9ac8 807dba 6a51a3 54278f 3f007d',
  Reds: 'fff5f0 fee0d2 fcbba1 fc9272 fb6a4a ef3b2c cb181d a50f15 67000d',
  BuGn: 'f7fcfd e5f5f9 ccece6 99d8c9 66c2a4 41ae76 238b45 006d2c 00441b',
  BuPu: 'f7fcfd e0ecf4 bfd3e6 9ebcda 8c96c6 8c6bb1 88419d 810f7c 4d004b',
  GnBu: 'f7fcf0 e0f3db ccebc5 a8ddb5 7bccc4 4eb3d3 2b8cbe 0868ac 084081',
  OrRd: 'fff7ec fee8c8 fdd49e fdbb84 fc8d59 ef6548 d7301f b30000 7f0000',
  PuBu: 'fff7fb ece7f2 d0d1e6 a6bddb 74a9cf 3690c0 0570b0 045a8d 023858',
  PuBuGn: 'fff7fb ece2f0 d0d1e6 a6bddb 67a9cf 3690c0 02818a 016c59 014636',
  PuRd: 'f7f4f9 e7e1ef d4b9da c994c7 df65b0 e7298a ce1256 980043 67001f',
  RdPu: 'fff7f3 fde0dd fcc5c0 fa9fb5 f768a1 dd3497 ae017e 7a0177 49006a',
  YlGn: 'ffffe5 f7fcb9 d9f0a3 addd8e 78c679 41ab5d 238443 006837 004529',
  YlGnBu: 'ffffd9 edf8b1 c7e9b4 7fcdbb 41b6c4 1d91c0 225ea8 253494 081d58',
  YlOrBr: 'ffffe5 fff7bc fee391 fec44f fe9929 ec7014 cc4c02 993404 662506',
  YlOrRd: 'ffffcc ffeda0 fed976 feb24c fd8d3c fc4e2a e31a1c bd0026 800026',
  BrBG: '543005 8c510a bf812d dfc27d f6e8c3 f5f5f5 c7eae5 80cdc1 35978f 01665e 003c30',
  PRGn: '40004b 762a83 9970ab c2a5cf e7d4e8 f7f7f7 d9f0d3 a6dba0 5aae61 1b7837 00441b',
  PiYG: '8e0152 c51b7d de77ae f1b6da fde0ef f7f7f7 e6f5d0 b8e186 7fbc41 4d9221 276419',
  PuOr: '2d004b 542788 8073ac b2abd2 d8daeb f7f7f7 fee0b6 fdb863 e08214 b35806 7f3b08',
  RdBu: '67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061',
  RdGy: '67001f b2182b d6604d f4a582 fddbc7 ffffff e0e0e0 bababa 878787 4d4d4d 1a1a1a',
  RdYlBu: 'a50026 d73027 f46d43 fdae61 fee090 ffffbf e0f3f8 abd9e9 74add1 4575b4 313695',
  RdYlGn: 'a50026 d73027 f46d43 fdae61 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837',
  Spectral: '9e0142 d53e4f f46d43 fdae61 fee08b ffffbf e6f598 abdda4 66c2a5 3288bd 5e4fa2',
  Viridis: '440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725',
  Inferno: '000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4',
  Magma: '000004 180f3d 440f76 721f81 9e2f7f cd4071 f1605d fd9668 feca8d fcfdbf',
  Plasma: '0d0887 46039f 7201a8 9c179e bd3786 d8576b ed7953 fb9f3a fdca26 f0f921',
  Cividis: '00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838',
  Turbo: '30123b 4145ab 4675ed 39a2fc 1bcfd4 24eca6 61fc6c a4fc3b d1e834 f3c63a fe9b2d f36315 d93806 b11901 7a0402',
  Warm: '6e40aa 963db3 bf3caf e4419d fe4b83 ff5e63 ff7847 fb9633 e2b72f c6d63c aff05b',
  Cool: '6e40aa 6154c8 4c6edb 368ce1 23abd8 1ac7c2 1ddfa3 30ef82 52f667 7ff658 aff05b',
  Cubehelix: '000000 1a1530 163d4e 1f6642 54792f a07949 d07e93 cf9cda c1caf3 d2eeef ffffff',
  Rainbow: '6e40aa bf3caf fe4b83 ff7847 e2b72f aff05b 52f667 1ddfa3 23abd8 4c6edb 6e40aa',
  Sinebow: 'ff4040 e78d0b a7d503 58fc2a 18f472 00bfbf 1872f4 582afc a703d5 e70b8d ff4040',
};
export const isScheme = (name: string): boolean => name in CORNERS;

/** Those that begin light on a light ground begin dark on a dark one; those from one hue to another begin at their end, as in Grafana. */
const AS_THEY_ARE = new Set(['Viridis', 'Inferno', 'Magma', 'Plasma', 'Cividis', 'Turbo', 'Warm', 'Cool', 'Cubehelix']);
const FROM_THEIR_END = new Set(['BrBG', 'PRGn', 'PiYG', 'PuOr', 'RdBu', 'RdGy', 'RdYlBu', 'RdYlGn', 'Spectral', 'Rainbow', 'Sinebow']);

/** The colours of a scheme from few to many, as CSS. */
export function shades(scheme: string, steps: number, isDark: boolean): string[] {
  const known = isScheme(scheme) ? scheme : 'Spectral';
  const corners = (CORNERS[known] ?? '').split(' ').map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const all = Array.from({ length: steps }, (_, i) => {
    const place = (i / Math.max(1, steps - 1)) * (corners.length - 1),
      at = Math.min(corners.length - 2, Math.floor(place)),
      part = place - at;
    const from = corners[at] ?? [],
      to = corners[at + 1] ?? [];
    return `rgb(${from.map((v, k) => Math.round(v + ((to[k] ?? 0) - v) * part)).join(', ')})`;
  });
  return FROM_THEIR_END.has(known) || (isDark && !AS_THEY_ARE.has(known)) ? all.reverse() : all;
}

/** Shades of one colour: how many percent of it each has over the panel. The least is seen, too. */
export const strengths = (steps: number, exponent: number | undefined): number[] =>
  Array.from({ length: steps }, (_, i) => Math.max(8, 100 * (steps > 1 ? i / (steps - 1) : 1) ** (exponent ?? 1)));

/** Shades of our own. */
export const STEPS = 12;
/** Which shade of our own a count has: 0 is none, every count is seen. */
export const stepOf = (v: number | null | undefined, max: number): number =>
  v != null && v > 0 && max > 0 ? Math.max(1, Math.min(STEPS, Math.ceil(STEPS * Math.sqrt(v / max)))) : 0;
/** Which of so many shades a value has between two others; what is beyond them has the last one there. */
export const shadeOf = (v: number, [low, high]: readonly [number, number], steps: number): number =>
  Math.max(0, Math.min(steps - 1, Math.floor((steps * (v - low)) / (high - low || 1))));
/** The values between which shades lie: what is said, or what is there. */
export function ends(values: (number | null)[][], said: Colouring): [number, number] {
  let low = Infinity,
    high = -Infinity;
  for (const row of values)
    for (const v of row)
      if (v != null && v > 0) {
        if (v < low) low = v;
        if (v > high) high = v;
      }
  if (low > high) [low, high] = [0, 0];
  return [said.min ?? low, said.max ?? high];
}

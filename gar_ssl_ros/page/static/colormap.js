// Levels as colours: as light or dark as they are loud, evenly to the eye (OKLCH), from the page's ground on.

const STEPS = 256;

// OKLab to sRGB, by Björn Ottosson, https://bottosson.github.io/posts/oklab/
function srgb(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const t = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * t,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * t,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * t,
  ];
  return linear.map((x) => 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}

/** RGBA of each level 0..255. */
export function colormap(dark) {
  const colours = new Uint8ClampedArray(4 * STEPS);
  for (let step = 0; step < STEPS; step++) {
    const at = step / (STEPS - 1);
    const lightness = dark ? 0.19 + 0.75 * at : 0.98 - 0.7 * at;
    const hue = dark ? 285 + 180 * at : 220 + 90 * at; // violet, red, yellow; or sky, blue, violet
    const chroma = dark ? 0.02 + 0.15 * Math.sin(Math.PI * Math.min(1, 0.08 + 0.85 * at)) : 0.17 * at * (1.6 - 0.8 * at);
    colours.set([...srgb(lightness, chroma, (hue * Math.PI) / 180), 255], 4 * step);
  }
  return colours;
}

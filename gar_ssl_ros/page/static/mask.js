// The pixels of a source, out of COCO's compressed run lengths (gar/mask.py has how those are written).

const FIRST = 48; // "0", of a group of bits that are all 0
const [BITS, MORE, SIGN] = [5, 0x20, 0x10];

function lengthsOf(counts) {
  const lengths = [];
  let [number, shift] = [0, 0];
  for (let at = 0; at < counts.length; at++) {
    const group = counts.charCodeAt(at) - FIRST;
    number += (group & 0x1f) * 2 ** shift;
    shift += BITS;
    if (group & MORE) continue;
    if (group & SIGN) number -= 2 ** shift;
    lengths.push(lengths.length > 2 ? number + lengths[lengths.length - 2] : number);
    [number, shift] = [0, 0];
  }
  return lengths;
}

/** An SVG path over them, in pixels of the picture: a bar for each run down a column. */
export function maskPath({ size: [height], counts }) {
  const bars = [];
  let begin = 0;
  lengthsOf(counts).forEach((length, index) => {
    const end = begin + length;
    for (let at = begin; index % 2 && at < end;) {
      const [x, y] = [Math.floor(at / height), at % height];
      const count = Math.min(end - at, height - y);
      bars.push(`M${x} ${y}v${count}h1v-${count}z`);
      at += count;
    }
    begin = end;
  });
  return bars.join('');
}

// Pictures and sound as they cross the WebSockets: 16 bytes, then the content (page/feed.py has the server's side).

const HEAD = 16; // bytes
export const PICTURE = 1;
export const SOUND = 2;

/** What a binary message holds. */
export const kindOf = (buffer) => new Uint8Array(buffer, 0, 1)[0];

export function pictureOf(buffer) {
  const view = new DataView(buffer);
  return {
    width: view.getUint16(4, true), height: view.getUint16(6, true), stamp: view.getFloat64(8, true),
    jpeg: new Blob([new Uint8Array(buffer, HEAD)], { type: 'image/jpeg' }),
  };
}

/** Sound messages one after another: {stamp ms of the first column, step ms, size values a column, count, values}. */
export function* soundsOf(buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at + HEAD <= buffer.byteLength;) {
    const size = view.getUint8(at + 1);
    const count = view.getUint16(at + 2, true);
    if (view.getUint8(at) !== SOUND || at + HEAD + size * count > buffer.byteLength) return;
    yield {
      stamp: view.getFloat64(at + 8, true), step: view.getFloat32(at + 4, true), size, count,
      values: new Uint8Array(buffer, at + HEAD, size * count),
    };
    at += HEAD + size * count;
  }
}

function message(kind, stamp, content) {
  const bytes = new Uint8Array(HEAD + content.byteLength);
  const head = new DataView(bytes.buffer);
  head.setUint8(0, kind);
  head.setFloat64(8, stamp, true);
  bytes.set(new Uint8Array(content), HEAD);
  return { bytes, head };
}

/** A picture of this page's own. jpeg: an ArrayBuffer. */
export function pictureMessage({ width, height, stamp }, jpeg) {
  const { bytes, head } = message(PICTURE, stamp, jpeg);
  head.setUint16(4, width, true);
  head.setUint16(6, height, true);
  return bytes;
}

/** Sound of this page's own. samples: an ArrayBuffer of 16-bit ones, channels woven. */
export function soundMessage({ channels, rate, stamp }, samples) {
  const { bytes, head } = message(SOUND, stamp, samples);
  head.setUint8(1, channels);
  head.setUint32(4, rate, true);
  return bytes;
}

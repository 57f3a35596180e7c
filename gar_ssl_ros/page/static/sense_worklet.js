// On the sound's own thread: what a microphone gives, in pieces of about 20 ms, 16 bits, channels woven.

const PIECE_S = 0.02;
const FULL_SCALE = 32767;

class Pieces extends AudioWorkletProcessor {
  #samples = null;
  #channels = 0;
  #frame = 0;
  #filled = 0;

  process([input]) {
    const channels = Math.min(input.length, 8);
    if (!channels) return true;
    const count = input[0].length;
    if (channels !== this.#channels || this.#frame + this.#filled !== currentFrame) this.#begin(channels, count);
    for (let i = 0; i < count; i += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        const value = Math.max(-1, Math.min(input[channel][i], 1));
        this.#samples[(this.#filled + i) * channels + channel] = Math.round(value * FULL_SCALE);
      }
    }
    this.#filled += count;
    if (this.#filled * channels >= this.#samples.length) {
      const piece = { frame: this.#frame, channels, samples: this.#samples };
      this.port.postMessage(piece, [this.#samples.buffer]);
      this.#channels = 0;
    }
    return true;
  }

  #begin(channels, count) {
    const blocks = Math.max(1, Math.round((PIECE_S * sampleRate) / count));
    this.#samples = new Int16Array(blocks * count * channels);
    this.#channels = channels;
    this.#frame = currentFrame;
    this.#filled = 0;
  }
}

registerProcessor('pieces', Pieces);

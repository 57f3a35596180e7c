// This page's microphone: 16-bit sound, each piece with the time at which its first sample was recorded.

import { soundMessage } from './wire.js';

const LOOK_MS = 1000; // for so long at least the shortest delay is kept: a context that falters falls behind for good

/** Sends its sound to a link from `start` to `stop`. */
export class Microphone {
  taken = 0;
  #link;
  #context = null;
  #stream = null;
  #latency = 0;
  #delays = [Infinity, Infinity]; // ms from the context's time to the page's: the shortest lately, and before that
  #turned = 0;

  constructor(link) {
    this.#link = link;
  }

  /** Raises what getUserMedia raises: `stop` it then. To be called from a click, without which browsers keep sound off. */
  async start(choice, ended) {
    this.stop();
    const context = new AudioContext({ latencyHint: 'interactive' });
    this.#context = context;
    context.resume();
    const unchanged = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const device = choice ? { deviceId: { exact: choice } } : {};
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { ...unchanged, ...device } });
      await context.audioWorklet.addModule(new URL('sense_worklet.js', import.meta.url));
    } catch (problem) {
      stream?.getTracks().forEach((track) => track.stop());
      throw problem;
    }
    if (this.#context !== context) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    track.addEventListener('ended', () => {
      if (this.#stream === stream) ended();
    });
    this.#latency = 1000 * (track.getSettings().latency ?? 0);
    this.#delays = [Infinity, Infinity];
    const pieces = new AudioWorkletNode(context, 'pieces');
    pieces.port.onmessage = ({ data }) => this.#send(data, context);
    context.createMediaStreamSource(stream).connect(pieces);
    pieces.connect(context.destination); // silent, but what leads nowhere is not run everywhere
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
    this.#stream = this.#context = null;
  }

  /** Rendered at the latest now: of such delays the shortest is what the context's clock is off, and no more. */
  #send({ frame, channels, samples }, context) {
    if (this.#context !== context) return;
    const now = performance.now();
    const rate = context.sampleRate;
    const begin = (1000 * frame) / rate;
    const length = (1000 * samples.length) / channels / rate;
    if (now - this.#turned > LOOK_MS) {
      this.#delays = [Infinity, this.#delays[0]];
      this.#turned = now;
    }
    this.#delays[0] = Math.min(this.#delays[0], now - begin - length);
    if (!this.#link.ready) return;
    const stamp = this.#link.at(begin + Math.min(...this.#delays) - this.#latency);
    this.#link.send(soundMessage({ channels, rate, stamp }, samples.buffer));
    this.taken += 1;
  }
}

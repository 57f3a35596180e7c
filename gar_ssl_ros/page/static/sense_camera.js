// This page's camera: JPEGs, each with the time at which it was taken.

import { pictureMessage } from './wire.js';

const WIDTH = 640;
const HEIGHT = 480;
const RATE_HZ = 30;
const MOST_SIDE = 1280; // of what is sent, pixels
const QUALITY = 0.8;
const MOST_WAITING = 256 * 1024; // bytes, with more of which no picture is taken

/** What getUserMedia is to be asked for. choice: a device's id, or `user` (front) or `environment` (back). */
function wanted(choice) {
  const which = ['user', 'environment'].includes(choice) ? { facingMode: { ideal: choice } } : choice ? { deviceId: { exact: choice } } : {};
  return { ...which, width: { ideal: WIDTH }, height: { ideal: HEIGHT }, frameRate: { ideal: RATE_HZ } };
}

/** Sends its pictures to a link from `start` to `stop`. */
export class Camera {
  taken = 0;
  left = 0; // out, since the one before, or the network, was not done
  #link;
  #video;
  #stream = null;
  #canvas = null;
  #busy = false;

  constructor(link, video) {
    this.#link = link;
    this.#video = video;
  }

  /** Raises what getUserMedia raises. ended: called where the camera goes by itself. */
  async start(choice, ended) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted(choice) });
    this.stop();
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener('ended', () => {
      if (this.#stream === stream) ended();
    });
    this.#video.srcObject = stream;
    await this.#video.play();
    if (this.#stream === stream) this.#next(stream);
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  #next(stream) {
    const seen = (now, { captureTime }) => {
      if (this.#stream !== stream) return;
      this.#next(stream);
      this.#take(captureTime ?? now);
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(seen);
    else setTimeout(() => seen(performance.now(), {}), 1000 / RATE_HZ);
  }

  async #take(time) {
    const video = this.#video;
    if (!this.#link.ready || !video.videoWidth) return;
    if (this.#busy || this.#link.waiting > MOST_WAITING) {
      this.left += 1;
      return;
    }
    this.#busy = true;
    const stamp = this.#link.at(time);
    const scale = Math.min(1, MOST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(side * scale));
    try {
      const jpeg = await this.#jpeg(video, width, height);
      this.#link.send(pictureMessage({ width, height, stamp }, jpeg));
      this.taken += 1;
    } finally {
      this.#busy = false;
    }
  }

  async #jpeg(video, width, height) {
    if (this.#canvas?.width !== width || this.#canvas.height !== height) {
      this.#canvas = window.OffscreenCanvas ? new OffscreenCanvas(width, height) : Object.assign(document.createElement('canvas'), { width, height });
    }
    const canvas = this.#canvas;
    canvas.getContext('2d', { alpha: false, desynchronized: true }).drawImage(video, 0, 0, width, height);
    const form = { type: 'image/jpeg', quality: QUALITY };
    const blob = canvas.convertToBlob ? await canvas.convertToBlob(form) : await new Promise((done) => canvas.toBlob(done, form.type, QUALITY));
    return blob.arrayBuffer();
  }
}

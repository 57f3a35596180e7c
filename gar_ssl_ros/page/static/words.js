// What an answer says, in words.

const OUT_OF_VIEW = /,? ?out of view$/;
const LEAST_CONFIDENCE = 0.05; // of a label that is worth naming

/** What kind of outcome it is: found, quiet, away, unsure or failed. A colour and a mark each. */
export const KINDS = {
  LOCALIZED: 'found', SILENT: 'quiet', OFF_SCREEN: 'away', UNCERTAIN: 'unsure',
  UNPARSEABLE: 'failed', TIMEOUT: 'failed', BACKEND_ERROR: 'failed',
};
export const kindOf = (answer) => KINDS[answer.outcome] ?? 'failed';
export const MARKS = { found: '■', quiet: '–', away: '▲', unsure: '?', failed: '✕' };

const FAILURES = {
  UNPARSEABLE: 'No answer: the reply could not be read',
  TIMEOUT: 'No answer: it took too long',
  BACKEND_ERROR: 'No answer: the reasoner failed',
};

export const percent = (share) => `${Math.round(100 * share)} %`;
export const seconds = (s) => (s == null ? '–' : s < 1 ? `${Math.round(1000 * s)} ms` : `${s.toFixed(1)} s`);
export const number = (value, digits = 2) => (typeof value === 'number' ? value.toFixed(digits) : '–');
export const timeOfDay = (ms) => new Date(ms).toLocaleTimeString('en-GB');
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function bytes(count) {
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** s, as one says it. */
export const lasting = (s) => (s % 3600 === 0 ? `${s / 3600} h` : s % 60 === 0 ? `${s / 60} min` : `${s} s`);

export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const two = (value) => String(value).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Where in the picture the middle of a box is, such as `bottom left`; empty where that is not known. */
export function place([left, top, right, bottom], width, height) {
  if (!width || !height) return ''; // as of several cameras
  const third = (value, size, names) => names[Math.min(2, Math.max(0, Math.floor((3 * value) / size)))];
  const across = third((left + right) / 2, width, ['left', '', 'right']);
  const down = third((top + bottom) / 2, height, ['top', '', 'bottom']);
  return `${down} ${across}`.trim() || 'middle';
}

/** How sure a source is: S_av where that is known, until then how sure its label is. */
export const sureness = (source) => source.av_consistency ?? source.audio_confidence ?? 0;

const labelled = (answer) => (answer.label && answer.audio_confidence >= LEAST_CONFIDENCE ? answer.label : '');

/** [what, sureness] a source, or one line without the latter. */
export function lines(answer) {
  const label = labelled(answer);
  const kind = kindOf(answer);
  if (kind === 'found') {
    return answer.sources.map((one) => [[one.label || 'a sound', place(one.box, answer.width, answer.height)].filter(Boolean).join(', '), percent(sureness(one))]);
  }
  if (kind === 'quiet') return [['Silence', '']];
  const where = answer.unmatched.map((one) => one.description.replace(OUT_OF_VIEW, '')).filter(Boolean).join(' and ');
  if (kind === 'away') return [[`${label ? `${label},` : 'A sound'} from out of view${where ? `, ${where}` : ''}`, '']];
  if (kind === 'unsure') return [[`${label || 'A sound'}, no evidence of where`, '']];
  return [[FAILURES[answer.outcome] ?? `No answer: ${answer.outcome}`, '']];
}

/** In one line, with how sure it is. */
export const inWords = (answer) => lines(answer).map((line) => line.filter(Boolean).join(', ')).join(' · ') || answer.outcome;

/** In one line without numbers, which would be read out each second. */
export const aloud = (answer) => lines(answer).map(([what]) => what).join(' and ') + (kindOf(answer) === 'failed' && answer.detail ? `: ${answer.detail}` : '');

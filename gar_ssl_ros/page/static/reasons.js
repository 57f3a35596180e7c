// Why an answer is as it is: each candidate through the method's stages, and who answered.

import { bar, h } from './dom.js';
import { inWords, kindOf, number, place, seconds, timeOfDay } from './words.js';

const list = (value) => (Array.isArray(value) ? value : []);
const term = (name, ...value) => h('div', { class: 'fact' }, h('dt', {}, name), h('dd', {}, ...value));
const spaced = (name) => String(name).replaceAll('_', ' ');
const passed = (ok) => h('span', { class: ok ? 'yes' : 'no' }, ok ? '✓' : '✗');

/** How sides moved by a refinement's operation. */
function operationInWords(operation) {
  if (!operation) return '';
  if ('amount' in operation) return `${operation.amount < 0 ? 'shrunk' : 'grown'} by ${Math.abs(operation.amount).toFixed(0)} px`;
  if ('x' in operation) return `moved to ${operation.x.toFixed(0)}, ${operation.y.toFixed(0)}`;
  const moved = Object.entries(operation).filter(([, by]) => by).map(([side, by]) => `${side} ${by > 0 ? '+' : ''}${by.toFixed(0)}`);
  return moved.length ? `${moved.join(', ')} px` : '';
}

function measured(name, value, threshold = null) {
  return h('div', { class: 'measured' }, h('span', { class: 'measured-name' }, name), bar(value, threshold), h('span', { class: 'measured-value' }, number(value)));
}

function located(one, answer) {
  const whole = one.hypothesis?.box ?? (one.location?.sides?.length === 4 ? one.location.sides : null);
  const description = one.hypothesis?.description || one.location?.description || '';
  return h('li', {}, h('b', {}, 'Seen'), ` ${description || 'nothing described'}`, whole && answer.width ? h('span', { class: 'soft' }, ` (${place(whole, answer.width, answer.height)})`) : null);
}

function heard(one, tau) {
  const sound = one.hypothesis?.sound ?? one.location?.sound;
  return sound && h('li', {}, h('b', {}, 'Heard'), ` ${sound.label}`, measured('s_aud', sound.confidence, tau.aud));
}

function analysed(one, tau) {
  const agreed = one.consensus;
  if (!agreed) return null;
  const kept = list(one.trials).filter((trial) => trial.keep === true).length;
  return h('li', {}, h('b', {}, 'Do sight and sound agree?'), ` ${kept} of ${agreed.trials} trials keep the box`, agreed.failed ? `, ${agreed.failed} failed` : '',
    measured('S', agreed.av_consistency, tau.av),
    list(agreed.role_tags).length ? h('p', { class: 'tags' }, list(agreed.role_tags).map((tag) => h('span', { class: 'tag' }, spaced(tag)))) : null,
    list(agreed.anchor_votes).map((vote) => measured(spaced(vote.anchor), vote.score)));
}

function gated(one, tau) {
  if (one.kept == null) return null;
  const agreed = one.consensus;
  const sound = one.hypothesis?.sound;
  const reason = (ok, ...text) => h('span', { class: 'reason' }, passed(ok), ' ', ...text);
  return h('li', {}, h('b', {}, 'Gate'), one.kept ? ' the first box stands' : ' the first box is to be refined',
    agreed && h('p', { class: 'reasons' },
      reason(agreed.keep, 'most trials keep it'),
      reason(tau.av == null ? one.kept : agreed.av_consistency >= tau.av, `S ${number(agreed.av_consistency)}${tau.av == null ? '' : ` ≥ ${tau.av}`}`),
      sound && reason(tau.aud == null ? one.kept : sound.confidence >= tau.aud, `s_aud ${number(sound.confidence)}${tau.aud == null ? '' : ` ≥ ${tau.aud}`}`)));
}

function refined(one) {
  const refinement = one.refinement;
  if (!refinement) return null;
  if (refinement.reason) return h('li', {}, h('b', {}, 'Refined'), ` not: ${refinement.reason}`);
  const how = operationInWords(refinement.operation);
  return h('li', {}, h('b', {}, 'Refined'), refinement.changed ? ` the box has moved${how ? `: ${how}` : ''}` : ' the box stays as it was', refinement.description ? h('p', { class: 'soft' }, refinement.description) : null);
}

function candidate(one, index, answer, tau) {
  const name = one.hypothesis?.sound?.label ?? one.location?.sound?.label ?? one.location?.id ?? '';
  return h('article', { class: one.failure ? 'candidate lost' : 'candidate' },
    h('h3', {}, `Candidate ${index + 1}${name ? `: ${name}` : ''}`, one.failure ? h('span', { class: 'verdict' }, 'lost') : null),
    one.failure ? h('p', { class: 'lost-why' }, one.failure) : null,
    h('ol', { class: 'stages' }, located(one, answer), heard(one, tau), analysed(one, tau), gated(one, tau), refined(one)));
}

/** Others may have written into the stages what they like. */
function shown(one, index, answer, tau) {
  try {
    return candidate(one, index, answer, tau);
  } catch {
    return h('article', { class: 'candidate' }, h('h3', {}, `Candidate ${index + 1}`), h('p', {}, 'It is told in a way that cannot be read here: see the JSON.'));
  }
}

/** Without its stages, as of another program: what the sources themselves say. */
function plain(source, answer) {
  return h('article', { class: 'candidate' }, h('h3', {}, `${source.label || 'a sound'} #${source.id}`),
    h('p', {}, source.description, h('span', { class: 'soft' }, ` (${place(source.box, answer.width, answer.height)})`)),
    source.av_consistency == null ? null : measured('S', source.av_consistency),
    list(source.role_tags).length ? h('p', { class: 'tags' }, source.role_tags.map((tag) => h('span', { class: 'tag' }, spaced(tag)))) : null,
    source.anchor_votes.map((vote) => measured(spaced(vote.anchor), vote.score)));
}

/** What there is to know of an answer, but for its picture and sound. tau: {av, aud}, the gate's thresholds, or null. */
export function reasons(answer, tau) {
  const stages = list(answer.stages).filter((one) => one && typeof one === 'object');
  const where = answer.sources.filter((one) => one.bearing != null || one.heard_bearing != null || one.distance != null || one.detection_id);
  return h('div', { class: `why ${kindOf(answer)}` },
    h('p', { class: 'why-words' }, inWords(answer), answer.stage === 'initial' ? h('span', { class: 'soft' }, ' – still being refined') : null),
    answer.detail ? h('p', { class: 'detail' }, answer.detail) : null,
    answer.label ? h('div', { class: 'heard' }, h('p', {}, 'In the whole window: ', h('b', {}, answer.label)), answer.audio_confidence == null ? null : measured('s_aud', answer.audio_confidence, tau.aud)) : null,
    stages.length ? stages.map((one, index) => shown(one, index, answer, tau)) : answer.sources.map((one) => plain(one, answer)),
    answer.unmatched.length ? h('article', { class: 'candidate' }, h('h3', {}, 'Heard, but no source'),
      h('ul', {}, answer.unmatched.map((one) => h('li', {}, `${one.description || 'a sound'}`, h('span', { class: 'soft' }, ` ${number(one.azimuth, 0)}° ± ${number(one.sd, 0)}°${one.front_back_known ? '' : ', or mirrored behind'}`))))) : null,
    where.length ? h('article', { class: 'candidate' }, h('h3', {}, 'In the room'), h('ul', {}, where.map((one) => h('li', {}, `${one.label} #${one.id}${one.detection_id ? ` (${one.detection_id})` : ''}`, h('span', { class: 'soft' },
      [one.bearing != null ? ` seen at ${number(one.bearing, 0)}°` : '', one.heard_bearing != null ? ` heard at ${number(one.heard_bearing, 0)}°` : '', one.distance != null ? ` ${number(one.distance, 1)} m away` : ''].filter(Boolean).join(',')))))) : null,
    h('dl', { class: 'facts' },
      term('Answered by', answer.reasoner || '–', answer.model ? ` (${answer.model})` : '', answer.fallback ? h('span', { class: 'tag warn' }, 'fallback') : null),
      term('Window', `${timeOfDay(answer.begin)} + ${seconds((answer.end - answer.begin) / 1000)}`),
      term('Latency', seconds(answer.latency)),
      term('Inference', seconds(answer.inference)),
      term('Pictures', `${answer.frames ?? '–'}, longest gap ${seconds(answer.frame_gap)}`),
      term('Sound missing', seconds(answer.audio_gap)),
      term('Sound ahead', answer.skew == null ? '–' : `${answer.skew < 0 ? '−' : ''}${seconds(Math.abs(answer.skew))}`),
      answer.dropped_windows || answer.dropped_inputs ? term('Dropped', `${answer.dropped_windows} windows, ${answer.dropped_inputs} messages`) : null),
    h('p', { class: 'soft timing' }, timing(answer)));
}

function timing(answer) {
  const told = answer.timing_s;
  if (!told || typeof told !== 'object') return '';
  const parts = Object.entries(told).filter(([name, value]) => name !== 'total' && typeof value === 'number');
  return parts.length ? `Time: ${parts.map(([name, value]) => `${name} ${seconds(value)}`).join(', ')}` : '';
}

/** An answer as JSON, for a person. */
export const raw = (answer) => JSON.stringify(answer, null, 1);

// Numbers and times, as they are read by people.

const UNITS = [[60e6, 'min'], [1e6, 's'], [1e3, 'ms'], [1, 'µs']];

/** A number that may be missing or nonsense. */
export function number(value, otherwise = 0) {
  const n = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof n === 'number' && Number.isFinite(n) ? n : otherwise;
}

/** A duration in microseconds: three digits are enough to compare by. */
export function duration(us) {
  const value = number(us);
  if (value === 0) return '0 ms';
  const [size, unit] = UNITS.find(([size]) => Math.abs(value) >= size) ?? [1, 'µs'];
  return `${digits(value / size)} ${unit}`;
}

/** Milliseconds, which our own API speaks; null is 'nothing happened'. */
export function millis(ms) {
  return ms === null || ms === undefined || !Number.isFinite(ms) ? '–' : duration(ms * 1000);
}

export function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  if (size >= 10) return trim(value.toFixed(1));
  return trim(value.toFixed(2));
}

const trim = (text) => text.replace(/\.?0+$/, '');

export function count(value) {
  return Math.round(number(value)).toLocaleString('en');
}

/** `1 span`, `2 spans`. */
export function counted(value, noun) {
  return `${count(value)} ${noun}${number(value) === 1 ? '' : 's'}`;
}

export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return '–';
  return perSecond > 0 && perSecond < 0.01 ? '<0.01/s' : `${digits(perSecond)}/s`;
}

/** A share of one, in per cent. What is not zero never looks like zero. */
export function share(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0 %';
  return value < 0.001 ? '<0.1 %' : `${digits(Math.round(value * 1000) / 10)} %`;
}

export function bytes(value) {
  const n = number(value);
  if (n >= 1 << 30) return `${digits(n / (1 << 30))} GiB`;
  if (n >= 1 << 20) return `${digits(n / (1 << 20))} MiB`;
  return `${digits(n / 1024)} KiB`;
}

const pad = (n, width = 2) => String(n).padStart(width, '0');

/** The time of day of a moment in microseconds, as the reader's clock has it. */
export function clock(us, { seconds = true, millis: fine = false } = {}) {
  const d = new Date(number(us) / 1000);
  if (Number.isNaN(d.getTime())) return '–';
  let text = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
  if (seconds || fine) text += `:${pad(d.getSeconds())}`;
  return fine ? `${text}.${pad(d.getMilliseconds(), 3)}` : text;
}

/** Day and time. The order of numbers in a date differs between countries; year first does not. */
export function moment(us) {
  const d = new Date(number(us) / 1000);
  if (Number.isNaN(d.getTime())) return '–';
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(us, { millis: true })}`;
}

/** How long ago, roughly. */
export function ago(us, nowMs = Date.now()) {
  const s = Math.round(nowMs / 1000 - number(us) / 1e6);
  if (s < 0) return 'in the future';
  if (s < 5) return 'just now';
  if (s < 100) return `${s} s ago`;
  if (s < 100 * 60) return `${Math.round(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

/** The first characters of an id, enough to recognize it. */
export function short(id) {
  return String(id).slice(0, 8);
}

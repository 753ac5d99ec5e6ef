// Randomness that is the same in every run, so that a test that fails fails again.
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const hex = (length) => Array.from({ length }, () => Math.floor(next() * 16).toString(16)).join('');
  return {
    next,
    hex,
    between: (low, high) => Math.round(low + next() * (high - low)),
    chance: (share) => next() < share,
    pick: (list) => list[Math.floor(next() * list.length)],
    uuid: () => `${hex(8)}-${hex(4)}-7${hex(3)}-9${hex(3)}-${hex(12)}`,
  };
}

// One cursor for all charts of a page: what the rate did, the latency did at the same moment.
export function sharedCursor() {
  const listeners = [];
  return {
    /** @type {number | undefined} */
    index: undefined,
    move(index) {
      this.index = index;
      for (const each of listeners) each(index);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}

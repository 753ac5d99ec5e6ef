// Data that is fetched, shown, and fetched again. While the server is away a view keeps what it has, says so, and
// asks again by itself.
import { Away } from './api.js';
import * as connection from './ui/connection.js';

const PAUSES_S = [2, 4, 8, 15];

/**
 * @template T
 */
export class Feed {
  #timer;
  #request;
  #failures = 0;
  #stopped = false;

  /**
   * @param {object} options
   * @param {(signal: AbortSignal) => Promise<T>} options.load
   * @param {(data: T) => void} options.show
   * @param {(error: Error) => void} [options.refuse]  the server said no: a state to show, not to retry
   * @param {(busy: boolean) => void} [options.busy]
   * @param {number} [options.every]  seconds between two answers; 0 is never
   */
  constructor({ load, show, refuse = () => {}, busy = () => {}, every = 0 }) {
    Object.assign(this, { load, show, refuse, busy, every });
  }

  /** Fetches now; a request under way is given up. */
  async refresh() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    const request = (this.#request = new AbortController());
    this.busy(true);
    let loaded;
    try {
      loaded = await this.load(request.signal);
    } catch (error) {
      if (!request.signal.aborted) this.#failed(error);
      return;
    }
    if (request.signal.aborted) return;
    this.#failures = 0;
    connection.back(this);
    this.busy(false);
    this.#again(this.every);
    this.show(loaded);
  }

  /** Changes how often it is fetched. */
  repeat(every) {
    this.every = every;
    if (this.#failures === 0) this.#again(every);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#request?.abort();
    connection.back(this);
  }

  #failed(error) {
    this.busy(false);
    if (!(error instanceof Away)) {
      connection.back(this);
      this.refuse(error);
      return;
    }
    const pause = PAUSES_S[Math.min(this.#failures++, PAUSES_S.length - 1)];
    connection.away(this, error, pause);
    this.#again(pause);
  }

  #again(seconds) {
    clearTimeout(this.#timer);
    if (!seconds || this.#stopped) return;
    this.#timer = setTimeout(() => {
      // A tab that nobody looks at asks for nothing.
      if (document.hidden && this.#failures === 0) this.#again(seconds);
      else this.refresh();
    }, seconds * 1000);
  }
}

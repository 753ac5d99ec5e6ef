// The search: a form, a plot and a list. The address holds what is searched for.
import * as api from '../api.js';
import { searchAddress } from '../addresses.js';
import { data, h, put } from '../dom.js';
import { Feed } from '../feed.js';
import { count, counted } from '../format.js';
import { criticalPath, timeByService } from '../model/critical.js';
import { findFault } from '../model/fault.js';
import { readTrace } from '../model/trace.js';
import { go } from '../router.js';
import { choice, empty, errorSign, nothingYet, tick, waiting } from '../ui/parts.js';
import { searchForm } from './form.js';
import { SORTS, askFor, asksTheSame, readQuery, writeQuery } from './query.js';
import { resultList } from './results.js';
import { scatterPlot } from './scatter.js';

const AUTO_S = 5;

// The last answer outlives the view: whoever comes back from a trace finds the list as it was.
let kept;

export function openSearch(_, parameters) {
  let query = readQuery(parameters);
  const plot = scatterPlot();
  // What people have the focus on stays when a new answer comes; only what it says is replaced.
  const told = h('p', { class: 'grow', role: 'status' });
  const sort = choice('Sort', 'sort', SORTS, query.sort, (value) => change({ sort: value }));
  const auto = tick(`Search again every ${AUTO_S} s`, query.auto === '1', (on) => change({ auto: on ? '1' : '' }));
  const head = h('div', { class: 'bar-of-tools results-head', hidden: true }, told, sort, auto);
  const list = h('div', { class: 'results-box' });
  const form = searchForm(query, (asked) => go(searchAddress(writeQuery({ ...readQuery(new URLSearchParams()), sort: query.sort, auto: query.auto, ...asked }))));
  const drawer = h('details', { class: 'panel search-drawer' }, h('summary', {}, 'Search'), form.element);
  const wide = matchMedia('(min-width: 1000px)');
  const fold = () => { drawer.open = wide.matches; };
  wide.addEventListener('change', fold);
  fold();

  const feed = new Feed({
    load: (signal) => api.traces(askFor(query), signal),
    show: ({ traces, note }) => {
      kept = { query, note, found: read(traces) };
      draw();
      form.learn();
    },
    refuse: (error) => list.replaceChildren(h('div', { class: 'panel' }, empty('This search is not understood', data(error.message)))),
    busy: (busy) => list.setAttribute('aria-busy', busy),
    every: query.auto === '1' ? AUTO_S : 0,
  });

  function change(part) {
    go(searchAddress(writeQuery({ ...query, ...part })), { replace: true });
    again(new URLSearchParams(location.search));
  }

  function again(next) {
    const before = query;
    query = readQuery(next);
    feed.repeat(query.auto === '1' ? AUTO_S : 0);
    if (!asksTheSame(before, query)) {
      form.fill(query);
      feed.refresh();
    } else if (kept) {
      draw();
    }
  }

  function draw() {
    const { found, note } = kept;
    const withErrors = found.filter(({ trace }) => trace.errors > 0).length;
    plot.element.hidden = found.length === 0;
    head.hidden = false;
    sort.querySelector('select').value = query.sort;
    auto.querySelector('input').checked = query.auto === '1';
    put(told, h('strong', {}, counted(found.length, 'trace')), ' ', withErrors > 0 && h('span', { class: 'errors' }, errorSign(), `${count(withErrors)} with errors`),
      found.length >= Number(query.limit) && h('span', { class: 'warned' }, ` The limit of ${count(query.limit)} is reached: there may be more.`),
      note && h('span', { class: 'warned' }, ' ', data(note)));
    if (found.length > 0) {
      plot.show(found);
      const focused = list.contains(document.activeElement) && document.activeElement.getAttribute('href');
      list.replaceChildren(resultList(found, query.sort));
      if (focused) [...list.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused)?.focus({ preventScroll: true });
    } else {
      list.replaceChildren(h('div', { class: 'panel' }, isBare(query) ? nothingYet(query.range !== 'all' && [h('a', { href: searchAddress({ range: 'all' }) }, 'Look at all that is kept'), ', however old.']) : empty('No trace matches', 'Take a longer time, or ask for less.')));
    }
  }

  if (kept && asksTheSame(kept.query, query)) {
    draw();
    feed.repeat(feed.every);
  } else {
    list.replaceChildren(waiting());
    plot.element.hidden = true;
    feed.refresh();
  }

  return {
    title: 'Search',
    element: h('div', { class: 'search' }, h('h1', { class: 'unseen', tabindex: -1 }, 'Search for traces'), drawer, h('section', { class: 'found', 'aria-label': 'Traces found' }, plot.element, head, list)),
    query: again,
    close() {
      wide.removeEventListener('change', fold);
      feed.stop();
    },
  };
}

const read = (traces) => traces.map(readTrace).filter(Boolean).map((trace) => ({ trace, fault: findFault(trace), times: timeByService(criticalPath(trace)) }));

/** Nothing asked for but a time: if that finds nothing, there is nothing. */
function isBare(query) {
  return !query.service && !query.operation && !query.tags && !query.minDuration && !query.maxDuration && !query.error;
}

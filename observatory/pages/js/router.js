// Addresses and views. Every state that somebody may want to come back to is in the address, so that the back
// button, links and bookmarks work.

/**
 * What a view gives the router.
 * @typedef {object} View
 * @property {string} title                             for the browser's tab and history
 * @property {HTMLElement} element
 * @property {() => void} [close]                       stops timers and requests
 * @property {(query: URLSearchParams) => void} [query] the same page with another query; without it the view is opened anew
 */

/** @type {HTMLElement} */
let outlet;
/** @type {{path: RegExp, open: (argument: string, query: URLSearchParams) => View}[]} */
let routes;
/** @type {View | undefined} */
let current;
let currentPath = '';

export function startRouter(element, table) {
  outlet = element;
  routes = table;
  // Views are drawn before their data is there, so the browser would restore a position that does not exist yet.
  history.scrollRestoration = 'manual';
  addEventListener('popstate', () => show(history.state?.scroll ?? 0));
  addEventListener('click', follow);
  show(0);
}

/** Goes to an address of ours. `replace` keeps it out of the history: for states on the way to one, like a selection. */
export function go(address, { replace = false } = {}) {
  if (replace) {
    history.replaceState(history.state, '', address);
    return;
  }
  history.replaceState({ scroll: scrollY }, '');
  history.pushState({}, '', address);
  show(0);
}

/** Whether a path is the one shown, for the navigation. Listeners hear `moved` on the window when that changes. */
export function path() {
  return location.pathname;
}

/** Turns clicks on links of ours into moves, and leaves all others to the browser. */
function follow(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.('a[href]');
  // An SVG link's href is an object; getAttribute is the same for both.
  const href = link?.getAttribute('href');
  if (!href?.startsWith('/') || href.startsWith('/api/') || link.hasAttribute('download')) return;
  event.preventDefault();
  go(href);
}

function show(scroll) {
  const query = new URLSearchParams(location.search);
  if (current?.query && location.pathname === currentPath) {
    current.query(query);
  } else {
    current?.close?.();
    const { path: pattern, open } = routes.find((route) => route.path.test(location.pathname));
    const first = currentPath === '';
    currentPath = location.pathname;
    current = open(decode(pattern.exec(currentPath)[1] ?? ''), query);
    outlet.replaceChildren(current.element);
    // Whoever reads with a screen reader is told where they are; on the first page the browser does that.
    if (!first) (outlet.querySelector('h1') ?? outlet).focus({ preventScroll: true });
    scrollTo(0, scroll);
  }
  document.title = `${current.title} · Tradewind observatory`;
  dispatchEvent(new Event('moved'));
}

/** An address that cannot be decoded is somebody's typing error, not a reason to throw. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

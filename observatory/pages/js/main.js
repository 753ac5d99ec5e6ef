// Where the pages begin: what stands on every page, and which view belongs to which address.
import { startColophon } from './ui/colophon.js';
import { startKeys } from './ui/keys.js';
import { startMasthead } from './ui/masthead.js';
import { startRouter } from './router.js';
import { openMap } from './map/view.js';
import { openMissing } from './ui/missing.js';
import { openSearch } from './search/view.js';
import { openService } from './service/view.js';
import { openTrace } from './trace/view.js';

startMasthead(document.getElementById('masthead'));
startColophon(document.getElementById('colophon'));
startKeys();
startRouter(document.getElementById('main'), [
  { path: /^\/$/, open: openSearch },
  { path: /^\/trace\/([^/]+)$/, open: openTrace },
  { path: /^\/map$/, open: openMap },
  { path: /^\/services\/([^/]+)$/, open: openService },
  { path: /^/, open: openMissing },
]);

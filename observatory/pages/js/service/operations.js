// What a service does, and how each of it fares; each leads to its traces.
import { searchAddress } from '../addresses.js';
import { data, h, parted } from '../dom.js';
import { count, millis, share } from '../format.js';
import { errorSign } from '../ui/parts.js';
import { sortedTable } from '../ui/table.js';

export function operationsTable(service) {
  const failed = (row) => h('a', { href: searchAddress({ service, operation: row.operation, error: '1' }), class: 'errors', title: 'Traces with errors' }, errorSign(), share(row.errors));
  return sortedTable({
    caption: 'Operations',
    note: 'each leads to its traces',
    sortBy: 2,
    columns: [
      { title: 'Operation', value: (row) => row.operation, cell: (row) => h('a', { href: searchAddress({ service, operation: row.operation }) }, parted(row.operation)) },
      { title: 'Kind', value: (row) => row.kind, cell: (row) => data(row.kind || '–') },
      { title: 'Calls', number: true, value: (row) => row.calls, cell: (row) => count(row.calls) },
      { title: 'Errors', number: true, value: (row) => row.errors, cell: (row) => (row.errors > 0 ? failed(row) : share(row.errors)) },
      { title: 'p50', number: true, value: (row) => row.p50, cell: (row) => millis(row.p50) },
      { title: 'p95', number: true, value: (row) => row.p95, cell: (row) => millis(row.p95) },
      { title: 'p99', number: true, value: (row) => row.p99, cell: (row) => millis(row.p99) },
    ],
  });
}

/** `/metrics` in Prometheus' text format, counted by hand: a request costs one map look-up. */
import type { Store } from '../../store/store.ts';
import type { RequestInfo, RequestVerb } from '../types.ts';

/** Label combinations kept; kinds, verbs and codes are few. */
const MAX_SERIES = 4096;

const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

export class Metrics {
  readonly #store: Store;
  readonly #requests = new Map<string, { labels: string; count: number }>();
  #watches = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  request(verb: RequestVerb, info: RequestInfo, code: number): void {
    const key = `${verb} ${info.group} ${info.resource} ${info.subresource} ${code}`;
    let series = this.#requests.get(key);
    if (series === undefined) {
      if (this.#requests.size >= MAX_SERIES) {
        return;
      }
      const labels = Object.entries({ verb: verb.toUpperCase(), group: info.group, resource: info.resource, subresource: info.subresource, code: String(code) })
        .map(([name, value]) => `${name}="${escape(value)}"`).join(',');
      series = { labels, count: 0 };
      this.#requests.set(key, series);
    }
    series.count += 1;
  }

  watching(change: 1 | -1): void {
    this.#watches += change;
  }

  text(): string {
    const { heapUsed, rss } = process.memoryUsage();
    const cpu = process.cpuUsage();
    return [
      '# HELP apiserver_request_total Requests answered, by verb, resource and code.',
      '# TYPE apiserver_request_total counter',
      ...[...this.#requests.values()].map(({ labels, count }) => `apiserver_request_total{${labels}} ${count}`),
      '# HELP apiserver_registered_watchers Watches being served.',
      '# TYPE apiserver_registered_watchers gauge',
      `apiserver_registered_watchers ${this.#watches}`,
      '# HELP telar_store_revision Latest revision of the store.',
      '# TYPE telar_store_revision counter',
      `telar_store_revision ${this.#store.currentRevision}`,
      '# HELP process_resident_memory_bytes Resident memory size in bytes.',
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${rss}`,
      '# HELP nodejs_heap_size_used_bytes Heap in use in bytes.',
      '# TYPE nodejs_heap_size_used_bytes gauge',
      `nodejs_heap_size_used_bytes ${heapUsed}`,
      '# HELP process_cpu_seconds_total User and system CPU time in seconds.',
      '# TYPE process_cpu_seconds_total counter',
      `process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`,
      '',
    ].join('\n');
  }
}

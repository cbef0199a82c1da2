/**
 * `/metrics` in Prometheus' text format, under kube-apiserver's names where they mean the same. Counted by hand: a request costs one map
 * look-up and a few additions; what can be read off (objects, memory, the event loop) is read when somebody asks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Registry } from '../../kinds/registry.ts';
import type { Store } from '../../store/store.ts';
import type { Call, RequestInfo } from '../types.ts';
import { APPLY_PATCH } from '../verbs/mediatype.ts';
import { Exposition, type Labels } from './exposition.ts';
import { BUILD } from './version.ts';

/** Label combinations kept; kinds, verbs and codes are few, and what names no kind counts together. */
const MAX_SERIES = 4096;
/** Upper bounds in seconds: kube-apiserver's. */
const DURATION_BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
/** The event loop is looked at this often, ms: rarely enough to cost an idle server nothing to speak of. */
const LOOP_RESOLUTION_MS = 20;

interface Series {
  readonly labels: Labels;
  readonly codes: Map<number, number>;
  /** Requests by the first bucket they fit in; the last is for those that fit in none. */
  readonly buckets: number[];
  seconds: number;
}

/** Watches of one resource. */
export interface Watched {
  readonly labels: Labels;
  watchers: number;
  /** Events written to all of them so far. */
  events: number;
}

type Counted = Pick<Call, 'verb' | 'info'> & Partial<Pick<Call, 'body'>>;

/** Kubernetes counts applied configurations apart from patches. */
const countedVerb = ({ verb, body }: Counted): string =>
  (verb === 'patch' && body !== undefined && body.kind !== 'none' && body.contentType.split(';')[0]?.trim() === APPLY_PATCH ? 'apply' : verb);

const scopeOf = ({ isResource, name, namespace, resource }: RequestInfo): string => {
  if (!isResource) {
    return '';
  }
  return name !== '' ? 'resource' : namespace !== '' && resource !== 'namespaces' ? 'namespace' : 'cluster';
};

const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const verbOf = (verb: string): string => VERBS[verb] ?? verb.toUpperCase();

/** In steps of the labels; what names a resource nobody knows must not make series without end. */
export class Metrics {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #series = new Map<string, Series>();
  readonly #watched = new Map<string, Watched>();
  readonly #delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #inFlight = { mutating: 0, readOnly: 0 };
  readonly #others: ((out: Exposition) => void)[] = [];

  constructor(store: Store, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
    this.#delay.enable();
  }

  /** Others write theirs beside these. */
  also(write: (out: Exposition) => void): void {
    this.#others.push(write);
  }

  /** A request has been answered; `ms` is undefined for what has no end. */
  request(call: Counted, code: number, ms: number | undefined): void {
    const series = this.#seriesOf(countedVerb(call), call.info);
    if (series === undefined) {
      return;
    }
    series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
    if (ms !== undefined) {
      const seconds = ms / 1000;
      let bucket = 0;
      while (bucket < DURATION_BUCKETS.length && seconds > (DURATION_BUCKETS[bucket] ?? Infinity)) {
        bucket += 1;
      }
      series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
      series.seconds += seconds;
    }
  }

  inFlight(mutates: boolean, change: 1 | -1): void {
    this.#inFlight[mutates ? 'mutating' : 'readOnly'] += change;
  }

  /** A watch has begun; the caller counts its events and its end in what this answers. */
  watching({ info }: Counted): Watched {
    const { group, version, resource } = info;
    const key = `${group}/${version}/${resource}`;
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      // Only resources that are there can be watched: there cannot be many.
      watched = { labels: { group, version, resource }, watchers: 0, events: 0 };
      this.#watched.set(key, watched);
    }
    watched.watchers += 1;
    return watched;
  }

  #seriesOf(verb: string, info: RequestInfo): Series | undefined {
    const scope = scopeOf(info);
    const key = `${verb} ${info.group} ${info.version} ${info.resource} ${info.subresource} ${scope}`;
    const found = this.#series.get(key);
    if (found !== undefined) {
      return found;
    }
    const known = info.isResource && this.#registry.byResource(info.group, info.version, info.resource) !== undefined;
    if (!known && info.resource !== '') {
      return this.#seriesOf(verb, { ...info, isResource: false, group: '', version: '', resource: '', subresource: '' });
    }
    if (this.#series.size >= MAX_SERIES) {
      return undefined;
    }
    const { group, version, resource, subresource } = info;
    const series: Series = {
      labels: { verb: verbOf(verb), group, version, resource, subresource, scope, component: 'apiserver', dry_run: '' },
      codes: new Map(), buckets: Array.from({ length: DURATION_BUCKETS.length + 1 }, () => 0), seconds: 0,
    };
    this.#series.set(key, series);
    return series;
  }

  text(): string {
    const out = new Exposition();
    this.#requests(out);
    this.#watches(out);
    this.#storage(out);
    processMetrics(out);
    this.#eventLoop(out);
    this.#others.forEach((write) => write(out));
    out.family('kubernetes_build_info', 'gauge', 'What this server takes itself for.');
    out.sample('kubernetes_build_info', BUILD, 1);
    return out.text();
  }

  #requests(out: Exposition): void {
    out.family('apiserver_request_total', 'counter', 'Requests answered, by verb, resource and code.');
    for (const { labels, codes } of this.#series.values()) {
      for (const [code, count] of codes) {
        out.sample('apiserver_request_total', { ...labels, code: String(code) }, count);
      }
    }
    out.family('apiserver_request_duration_seconds', 'histogram', 'From the arrival of a request to the writing of its answer; watches have none.');
    for (const { labels, buckets, seconds } of this.#series.values()) {
      out.histogram('apiserver_request_duration_seconds', labels, { bounds: DURATION_BUCKETS, counts: buckets, sum: seconds });
    }
    out.family('apiserver_current_inflight_requests', 'gauge', 'Requests being answered, watches apart.');
    for (const [kind, count] of Object.entries(this.#inFlight)) {
      out.sample('apiserver_current_inflight_requests', { request_kind: kind }, count);
    }
  }

  #watches(out: Exposition): void {
    out.family('apiserver_longrunning_requests', 'gauge', 'Watches being served.');
    for (const { labels, watchers } of this.#watched.values()) {
      out.sample('apiserver_longrunning_requests', { verb: 'WATCH', ...labels, subresource: '', component: 'apiserver' }, watchers);
    }
    out.family('apiserver_watch_events_total', 'counter', 'Events written to watches.');
    for (const { labels, events } of this.#watched.values()) {
      out.sample('apiserver_watch_events_total', labels, events);
    }
  }

  #storage(out: Exposition): void {
    out.family('apiserver_storage_objects', 'gauge', 'Objects stored, by resource.');
    for (const kind of this.#registry.list()) {
      if (kind.storedAs === undefined) {
        const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
        out.sample('apiserver_storage_objects', { resource }, this.#store.count(this.#registry.storagePrefix(kind)));
      }
    }
    out.single('telar_store_revision', 'gauge', 'Latest revision of the store.', this.#store.currentRevision);
    out.single('telar_store_compacted_revision', 'gauge', 'Revision up to which history has been forgotten.', this.#store.compactedRevision);
  }

  /** Under the names that Node.js programs have them. What is measured are the times between two looks: the time meant to lie between them is no lag. */
  #eventLoop(out: Exposition): void {
    const lag = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - LOOP_RESOLUTION_MS / 1000);
    out.single('nodejs_eventloop_lag_p50_seconds', 'gauge', 'Median lag of the event loop since the last scrape.', lag(this.#delay.percentile(50)));
    out.single('nodejs_eventloop_lag_p99_seconds', 'gauge', '99th percentile of the lag of the event loop since the last scrape.', lag(this.#delay.percentile(99)));
    out.single('nodejs_eventloop_lag_p999_seconds', 'gauge', '99.9th percentile of the lag of the event loop since the last scrape.', lag(this.#delay.percentile(99.9)));
    out.single('nodejs_eventloop_lag_max_seconds', 'gauge', 'Longest lag of the event loop since the last scrape.', lag(this.#delay.max));
    this.#delay.reset();
    out.single('nodejs_eventloop_utilization', 'gauge', 'Share of the time since the start in which the event loop did something.', performance.eventLoopUtilization().utilization);
  }

  close(): void {
    this.#delay.disable();
  }
}

const STARTED_SECONDS = performance.timeOrigin / 1000;
const KIB = 1024;

/** Of `/proc`, which only Linux has. */
function procStatus(): { virtualBytes?: number; openFiles?: number } {
  if (process.platform !== 'linux') {
    return {};
  }
  const virtual = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return { openFiles: readdirSync('/proc/self/fd').length, ...(virtual === undefined ? {} : { virtualBytes: Number(virtual) * KIB }) };
}

function processMetrics(out: Exposition): void {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const { virtualBytes, openFiles } = procStatus();
  out.single('process_cpu_seconds_total', 'counter', 'User and system CPU time spent in seconds.', (cpu.user + cpu.system) / 1e6);
  out.single('process_start_time_seconds', 'gauge', 'Start time of the process since the epoch in seconds.', STARTED_SECONDS);
  out.single('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', memory.rss);
  if (virtualBytes !== undefined && openFiles !== undefined) {
    out.single('process_virtual_memory_bytes', 'gauge', 'Virtual memory size in bytes.', virtualBytes);
    out.single('process_open_fds', 'gauge', 'Number of open file descriptors.', openFiles);
  }
  out.single('nodejs_heap_size_used_bytes', 'gauge', 'Heap in use in bytes.', memory.heapUsed);
  out.single('nodejs_heap_size_total_bytes', 'gauge', 'Heap reserved in bytes.', memory.heapTotal);
  out.single('nodejs_external_memory_bytes', 'gauge', 'Memory outside of the heap in bytes.', memory.external);
}

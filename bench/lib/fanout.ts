/**
 * One object is updated while many watch it. Events are counted, not parsed: each holds one byte that occurs nowhere else, so the
 * n-th such byte of a watcher is the n-th update. All sockets read into one buffer. What the load costs the client is told beside the figures,
 * since it shares the machine with the server.
 */
import type { OnReadOpts } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Connection, WHOLE, type Target } from './http.ts';
import { quantile } from './stats.ts';

export interface Percentiles {
  p50Ms: number;
  p99Ms: number;
}

export interface FanOut {
  updatesPerSecond: number;
  eventsPerSecond: number;
  /** From the sending of the write to each watcher's event. */
  sinceSent: Percentiles;
  /** From the writer's answer to each watcher's event; one that came before the answer counts as 0. */
  sinceAnswer: Percentiles;
  /** Share of the events that watchers had before the writer had its answer. */
  beforeAnswer: number;
  client: {
    /** User and system time for one event, microseconds; the writer's part included. */
    cpuUsPerEvent: number;
    /** Share of the time in which the client's event loop did something: near 1 the client is the limit. */
    loopBusy: number;
  };
}

/** Occurs once in every event: in a value that nothing copies. */
const MARK = 0x7e;
const READ_BUFFER_BYTES = 64 * 1024;
const PATIENCE_MS = 60_000;
const FILLER = 'x'.repeat(700);

const round = (value: number): number => Math.round(value * 100) / 100;
const percentiles = (times: readonly number[]): Percentiles =>
  (times.length === 0 ? { p50Ms: 0, p99Ms: 0 } : { p50Ms: round(quantile(times, 0.5)), p99Ms: round(quantile(times, 0.99)) });

const shared = Buffer.alloc(READ_BUFFER_BYTES);

/** A watch whose marks are told one by one, from its first line on. */
function watch(target: Target, path: string, onMark: (at: number) => void): Promise<TLSSocket> {
  const { host, port, ca, cert, key, token } = target;
  const opened = Promise.withResolvers<undefined>();
  let head: string | undefined = '';
  const take = (length: number): boolean => {
    const now = performance.now();
    if (head !== undefined) {
      head += shared.toString('latin1', 0, length);
      if (head.includes('\r\n\r\n')) {
        settle(head.startsWith('HTTP/1.1 200') ? undefined : new Error(`watch answered ${head.slice(0, 300)}`));
        head = undefined;
      }
      return true;
    }
    for (let at = shared.indexOf(MARK); at >= 0 && at < length; at = shared.indexOf(MARK, at + 1)) {
      onMark(now);
    }
    return true;
  };
  const settle = (error: Error | undefined): void => (error === undefined ? opened.resolve(undefined) : opened.reject(error));
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    host, port, ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ALPNProtocols: ['http/1.1'], onread: { buffer: shared, callback: take },
  };
  const socket = connect(options);
  socket.once('error', settle);
  socket.once('secureConnect', () => {
    socket.setNoDelay(true);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\naccept: application/json\r\n${token === undefined ? '' : `authorization: Bearer ${token}\r\n`}\r\n`);
  });
  return opened.promise.then(() => socket);
}

const updated = (n: number): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'watched' }, data: { at: `~${String(n).padStart(8, '0')}`, filler: FILLER } });

/** `watchers` of one namespace, `updates` at `perSecond`, or as fast as answers come when it is 0. */
export async function fanOut(target: Target, namespace: string, watchers: number, updates: number, perSecond: number): Promise<FanOut> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const writer = new Connection(target);
  await writer.open();
  const { status, body } = await writer.send({ method: 'POST', path, body: updated(0), keep: WHOLE });
  if (status !== 201) {
    throw new Error(`creating the watched object answered ${status}: ${body}`);
  }
  const from = /"resourceVersion":"(\d+)"/.exec(body)?.[1] ?? '0';
  const sent = new Float64Array(updates);
  const answered = new Float64Array(updates).fill(Infinity);
  const arrivals = Array.from({ length: watchers }, () => new Float64Array(updates));
  let seen = 0;
  const sockets = await Promise.all(arrivals.map((times) => {
    let next = 0;
    return watch(target, `${path}?watch=true&resourceVersion=${from}&fieldSelector=metadata.name%3Dwatched`, (now) => {
      times[next] = now;
      next += 1;
      seen += 1;
    });
  }));
  const [cpu, loop, begun] = [process.cpuUsage(), performance.eventLoopUtilization(), performance.now()];
  for (let n = 0; n < updates; n += 1) {
    const text = updated(n + 1);
    sent[n] = performance.now();
    const answer = await writer.send({ method: 'PUT', path: `${path}/watched`, body: text });
    if (answer.status !== 200) {
      throw new Error(`updating the watched object answered ${answer.status}`);
    }
    answered[n] = performance.now();
    if (perSecond > 0) {
      await sleep(Math.max(0, ((n + 1) * 1000) / perSecond - (performance.now() - begun)));
    }
  }
  const writing = performance.now() - begun;
  const end = performance.now() + PATIENCE_MS;
  while (seen < updates * watchers && performance.now() < end) {
    await sleep(1);
  }
  const lasted = performance.now() - begun;
  const spent = process.cpuUsage(cpu);
  const { utilization } = performance.eventLoopUtilization(loop);
  writer.close();
  for (const socket of sockets) {
    socket.destroy();
  }
  if (seen !== updates * watchers) {
    throw new Error(`${seen} events arrived, not ${updates * watchers}`);
  }
  const since = (moments: Float64Array): number[] => arrivals.flatMap((times) => [...times].map((time, n) => time - (moments[n] ?? time)));
  const afterAnswer = since(answered);
  const late = afterAnswer.filter((time) => time > 0);
  return {
    updatesPerSecond: round(updates / (writing / 1000)), eventsPerSecond: round(seen / (lasted / 1000)),
    sinceSent: percentiles(since(sent)), sinceAnswer: percentiles(afterAnswer.map((time) => Math.max(0, time))), beforeAnswer: round(1 - late.length / afterAnswer.length),
    client: { cpuUsPerEvent: round((spent.user + spent.system) / seen), loopBusy: round(utilization) },
  };
}

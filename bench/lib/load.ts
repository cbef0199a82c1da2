/** The load itself, against one server. Every function answers figures; nothing here knows of peers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, openMany, type Ask, type Target } from './http.ts';
import { milliseconds, quantile } from './stats.ts';

export interface Rate {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export interface FanOut {
  updatesPerSecond: number;
  eventsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** `total` requests shared by `clients` workers, each on a connection of its own. Throws at the first unexpected status. */
export async function rate(target: Target, clients: number, total: number, ask: (n: number) => Ask, expected: number): Promise<Rate> {
  const connections = await openMany(target, clients);
  const times: number[] = [];
  let next = 0;
  const begun = process.hrtime.bigint();
  await Promise.all(connections.map(async (connection) => {
    while (next < total) {
      const n = next;
      next += 1;
      const sent = process.hrtime.bigint();
      const { status } = await connection.send(ask(n));
      if (status !== expected) {
        throw new Error(`${ask(n).method} ${ask(n).path} answered ${status}, not ${expected}`);
      }
      times.push(milliseconds(sent));
    }
  }));
  const seconds = milliseconds(begun) / 1000;
  for (const connection of connections) {
    connection.close();
  }
  return { perSecond: round(total / seconds), p50Ms: round(quantile(times, 0.5)), p99Ms: round(quantile(times, 0.99)) };
}

/** Milliseconds to the last byte of the whole answer, paged answers together; the median of `runs`. */
export async function listing(target: Target, runs: number, ask: Ask, pages = false): Promise<{ ms: number; bytes: number }> {
  const connection = new Connection(target);
  await connection.open();
  const times: number[] = [];
  let bytes = 0;
  for (let run = 0; run < runs; run += 1) {
    bytes = 0;
    let token = '';
    const begun = process.hrtime.bigint();
    do {
      const answer = await connection.send({ ...ask, path: token === '' ? ask.path : `${ask.path}&continue=${encodeURIComponent(token)}`, keep: pages });
      if (answer.status !== 200) {
        throw new Error(`${ask.path} answered ${answer.status}`);
      }
      bytes += answer.bytes;
      // The list's own metadata stands at the front or at the end; an object's cannot hold this field.
      token = pages ? /"continue":"([^"]*)"/.exec(answer.body)?.[1] ?? '' : '';
    } while (token !== '');
    times.push(milliseconds(begun));
  }
  connection.close();
  return { ms: round(quantile(times, 0.5)), bytes };
}

/**
 * Watchers of one namespace while one ConfigMap is updated; from the update's answer to each watcher's event.
 * At `perSecond` updates a second, or as fast as answers come when it is 0.
 */
export async function fanOut(target: Target, namespace: string, watchers: number, updates: number, perSecond: number): Promise<FanOut> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const writer = new Connection(target);
  await writer.open();
  const object = (n: number): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'watched' }, data: { at: `update-${n}-end`, filler: 'x'.repeat(700) } });
  const { status, body } = await writer.send({ method: 'POST', path, body: object(-1), keep: true });
  if (status !== 201) {
    throw new Error(`creating the watched object answered ${status}: ${body}`);
  }
  const from = /"resourceVersion":"(\d+)"/.exec(body)?.[1] ?? '0';
  const arrivals: bigint[][] = Array.from({ length: updates }, () => []);
  let seen = 0;
  const connections = await openMany(target, watchers);
  await Promise.all(connections.map(async (connection) => {
    let rest = '';
    await connection.stream({ method: 'GET', path: `${path}?watch=true&resourceVersion=${from}&fieldSelector=metadata.name%3Dwatched` }, (data) => {
      const now = process.hrtime.bigint();
      rest += data.toString('latin1');
      for (const match of rest.matchAll(/update-(\d+)-end/g)) {
        arrivals[Number(match[1])]?.push(now);
        seen += 1;
      }
      const last = rest.lastIndexOf('-end');
      rest = last < 0 ? rest : rest.slice(last + 4);
    });
  }));
  const answered: bigint[] = [];
  const begun = process.hrtime.bigint();
  for (let n = 0; n < updates; n += 1) {
    const answer = await writer.send({ method: 'PUT', path: `${path}/watched`, body: object(n) });
    if (answer.status !== 200) {
      throw new Error(`updating the watched object answered ${answer.status}`);
    }
    answered.push(process.hrtime.bigint());
    if (perSecond > 0) {
      await sleep(Math.max(0, ((n + 1) * 1000) / perSecond - milliseconds(begun)));
    }
  }
  const writing = milliseconds(begun) / 1000;
  const patience = Date.now() + 30_000;
  while (seen < updates * watchers && Date.now() < patience) {
    await sleep(10);
  }
  const seconds = milliseconds(begun) / 1000;
  for (const connection of [writer, ...connections]) {
    connection.close();
  }
  if (seen < updates * watchers) {
    throw new Error(`only ${seen} of ${updates * watchers} events arrived`);
  }
  const delays = arrivals.flatMap((times, n) => times.map((time) => Math.max(0, Number(time - (answered[n] ?? time)) / 1e6)));
  return { updatesPerSecond: round(updates / writing), eventsPerSecond: round(seen / seconds), p50Ms: round(quantile(delays, 0.5)), p99Ms: round(quantile(delays, 0.99)) };
}

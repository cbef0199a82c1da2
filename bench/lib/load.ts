/** The load itself, against one server. Every function answers figures; nothing here knows of peers. */
import { Connection, openMany, type Ask, type Target } from './http.ts';
import { milliseconds, quantile } from './stats.ts';

export interface Rate {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** What is looked at of a page. */
const LIST_HEAD_BYTES = 1024;

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
      const answer = await connection.send({ ...ask, path: token === '' ? ask.path : `${ask.path}&continue=${encodeURIComponent(token)}`, keep: pages ? LIST_HEAD_BYTES : 0 });
      if (answer.status !== 200) {
        throw new Error(`${ask.path} answered ${answer.status}`);
      }
      bytes += answer.bytes;
      // The list's own metadata stands at the front.
      token = pages ? /"continue":"([^"]*)"/.exec(answer.body)?.[1] ?? '' : '';
    } while (token !== '');
    times.push(milliseconds(begun));
  }
  connection.close();
  return { ms: round(quantile(times, 0.5)), bytes };
}

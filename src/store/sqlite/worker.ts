/** The database's thread. All appends that wait when it comes round share one transaction: group commit. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { Database } from './database.ts';
import type { Columns, Reply, Request, WorkerOptions } from './protocol.ts';

/** Rows in one transaction; more wait for the next. */
const MAX_GROUP_ROWS = 2_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function serve(port: MessagePort, database: Database): void {
  const reply = (message: Reply): void => port.postMessage(message);
  let group: { ids: number[]; batches: Columns[]; rows: number } = { ids: [], batches: [], rows: 0 };

  const commit = (): void => {
    const { ids, batches } = group;
    if (ids.length === 0) {
      return;
    }
    group = { ids: [], batches: [], rows: 0 };
    attempt(ids, () => {
      database.append(batches);
      reply({ kind: 'done', ids });
    });
  };

  const attempt = (ids: number[], work: () => void): void => {
    try {
      work();
    } catch (error) {
      reply({ kind: 'failed', ids, message: messageOf(error) });
    }
  };

  const answer = (request: Exclude<Request, { op: 'append' }>): void => {
    const { id } = request;
    switch (request.op) {
      case 'after': reply({ kind: 'rows', id, columns: database.after(request.revision, request.limit) }); return;
      case 'list': reply({ kind: 'rows', id, columns: database.list(request.prefix) }); return;
      case 'count': reply({ kind: 'count', id, count: database.count(request.prefix) }); return;
      case 'compact':
        database.compact(request.revision, request.superseded);
        reply({ kind: 'done', ids: [id] });
        return;
      case 'rewrite':
        database.rewrite(request.columns);
        reply({ kind: 'done', ids: [id] });
        return;
      case 'scrub':
        database.scrub();
        reply({ kind: 'done', ids: [id] });
        return;
      case 'snapshot':
        // In steps, between which writes go on.
        database.snapshot(request.file).then(
          () => reply({ kind: 'done', ids: [id] }),
          (error: unknown) => reply({ kind: 'failed', ids: [id], message: messageOf(error) }),
        );
        return;
      case 'state': reply({ kind: 'state', id, ...database.state() }); return;
      case 'close':
        database.close();
        reply({ kind: 'done', ids: [id] });
        port.close();
        return;
    }
  };

  const take = (request: Request): void => {
    if (request.op === 'append') {
      group.ids.push(request.id);
      group.batches.push(request.columns);
      group.rows += request.columns.revisions.length;
      if (group.rows >= MAX_GROUP_ROWS) {
        commit();
      }
      return;
    }
    commit();
    attempt([request.id], () => answer(request));
  };

  port.on('message', (first: Request) => {
    take(first);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const request: Request = next.message;
      take(request);
    }
    commit();
  });
}

function start(port: MessagePort): void {
  const options: WorkerOptions = workerData;
  let database: Database;
  try {
    database = new Database(options);
  } catch (error) {
    port.postMessage({ kind: 'refused', message: messageOf(error) } satisfies Reply);
    port.close();
    return;
  }
  port.postMessage({ kind: 'opened' } satisfies Reply);
  serve(port, database);
}

if (parentPort !== null) {
  start(parentPort);
}

/** What probes and lifecycle hooks do to a container: run a program in it, ask it over HTTP, TCP or gRPC. */
import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as http2Connect, constants as http2Constants } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction } from '../../kinds/generated/core.ts';

/** Output kept of a probe, bytes; the kubelet keeps as much. */
const MAX_OUTPUT_BYTES = 10 * 1024;
const SHOWN_OUTPUT_CHARS = 1024;
const GRPC_SERVING = 1;

export interface ActionTarget {
  /** Podman's id. */
  id: string;
  container: Container;
  /** Where its ports are reached. */
  host: string;
  /** OCI runtime that holds it, e.g. runc. */
  runtime: string;
}

export interface ActionResult {
  ok: boolean;
  /** Why not, or what it said. */
  output: string;
}

export interface Action {
  exec?: ExecAction;
  httpGet?: HTTPGetAction;
  tcpSocket?: TCPSocketAction;
  grpc?: GRPCAction;
}

/** The number of a port that may be given by its name in the container. Throws when there is none. */
export function portNumber(port: number | string, container: Container): number {
  const number = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port)
    : container.ports?.find((one) => one.name === port)?.containerPort;
  if (number === undefined) {
    throw new Error(`container ${container.name} has no port named ${JSON.stringify(port)}`);
  }
  return number;
}

/**
 * Runs a program in a container through the OCI runtime itself, with the container's user, environment and limits:
 * five times cheaper than an exec session of Podman, which a probe does not need.
 */
export function execInContainer(target: Pick<ActionTarget, 'id' | 'runtime'>, command: readonly string[], timeoutMs: number): Promise<ActionResult> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: MAX_OUTPUT_BYTES, env: { PATH: process.env['PATH'] } };
    execFile(target.runtime, ['exec', target.id, ...command], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim().slice(0, SHOWN_OUTPUT_CHARS);
      if (error === null || error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
        resolve({ ok: true, output });
      } else if (error.killed === true) {
        resolve({ ok: false, output: `command ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s` });
      } else {
        resolve({ ok: false, output: output === '' ? `command exited with code ${String(error.code)}` : output });
      }
    });
  });
}

function httpGet(action: HTTPGetAction, target: ActionTarget, timeoutMs: number): Promise<ActionResult> {
  const scheme = action.scheme ?? 'HTTP';
  const host = action.host === undefined || action.host === '' ? target.host : action.host;
  const port = portNumber(action.port, target.container);
  const path = action.path === undefined || action.path === '' ? '/' : action.path.startsWith('/') ? action.path : `/${action.path}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) {
    headers[name] = value;
  }
  const shown = `${scheme.toLowerCase()}://${host}:${port}${path}`;
  return new Promise((resolve) => {
    const options = { host, port, path, headers, agent: false, timeout: timeoutMs, signal: AbortSignal.timeout(timeoutMs) };
    const answered = (message: IncomingMessage): void => {
      const status = message.statusCode ?? 0;
      message.resume();
      message.destroy();
      resolve({ ok: status >= 200 && status < 400, output: `HTTP probe ${status < 400 ? 'succeeded' : 'failed'} with statuscode: ${status}` });
    };
    const request = scheme === 'HTTPS' ? httpsRequest({ ...options, rejectUnauthorized: false }, answered) : httpRequest(options, answered);
    request.on('error', (error) => {
      const why = error.name === 'AbortError' || error.name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000}s` : error.message;
      resolve({ ok: false, output: `Get "${shown}": ${why}` });
    });
    request.end();
  });
}

function tcpSocket(action: TCPSocketAction, target: ActionTarget, timeoutMs: number): Promise<ActionResult> {
  const host = action.host === undefined || action.host === '' ? target.host : action.host;
  const port = portNumber(action.port, target.container);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (ok: boolean, output: string): void => {
      socket.destroy();
      resolve({ ok, output });
    };
    socket.setTimeout(timeoutMs, () => { end(false, `dial tcp ${host}:${port}: no answer within ${timeoutMs / 1000}s`); });
    socket.on('connect', () => { end(true, ''); });
    socket.on('error', (error) => { end(false, `dial tcp ${host}:${port}: ${error.message}`); });
  });
}

/** A gRPC message of one string field, framed; enough for grpc.health.v1.HealthCheckRequest. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

function grpc(action: GRPCAction, target: ActionTarget, timeoutMs: number): Promise<ActionResult> {
  const authority = `${target.host}:${action.port}`;
  return new Promise((resolve) => {
    const session = http2Connect(`http://${authority}`);
    const end = (ok: boolean, output: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve({ ok, output });
    };
    const timer = setTimeout(() => { end(false, `timeout: health rpc did not complete within ${timeoutMs / 1000}s`); }, timeoutMs);
    session.on('error', (error: Error) => { end(false, `failed to connect to ${authority}: ${error.message}`); });
    const stream = session.request({
      [http2Constants.HTTP2_HEADER_METHOD]: 'POST', [http2Constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'kube-probe/1.36',
    });
    let body = Buffer.alloc(0);
    let problem = '';
    stream.on('data', (chunk: Buffer) => {
      body = body.length > MAX_OUTPUT_BYTES ? body : Buffer.concat([body, chunk]);
    });
    const status = (headers: { 'grpc-status'?: unknown; 'grpc-message'?: unknown }): void => {
      const { 'grpc-status': code, 'grpc-message': message } = headers;
      if (code !== undefined && code !== '0') {
        problem = `rpc error: ${JSON.stringify({ code, message })}`;
      }
    };
    stream.on('response', status);
    stream.on('trailers', status);
    stream.on('error', (error: Error) => { end(false, error.message); });
    stream.on('end', () => {
      // HealthCheckResponse has one enum, field 1.
      const serving = problem === '' && body.length >= 7 && body[5] === 0x08 && body[6] === GRPC_SERVING;
      end(serving, serving ? '' : problem === '' ? 'service unhealthy (responded without "SERVING")' : problem);
    });
    stream.end(healthRequest(action.service ?? ''));
  });
}

/** Never rejects: whatever goes wrong is a failed action with its reason. */
export async function runAction(action: Action, target: ActionTarget, timeoutMs: number): Promise<ActionResult> {
  try {
    if (action.exec !== undefined) {
      return await execInContainer(target, action.exec.command ?? [], timeoutMs);
    }
    if (action.httpGet !== undefined) {
      return await httpGet(action.httpGet, target, timeoutMs);
    }
    if (action.tcpSocket !== undefined) {
      return await tcpSocket(action.tcpSocket, target, timeoutMs);
    }
    if (action.grpc !== undefined) {
      return await grpc(action.grpc, target, timeoutMs);
    }
    return { ok: false, output: 'missing probe handler' };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

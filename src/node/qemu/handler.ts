/** virt-handler's paths: the API server has authorised the request and rewritten it, here it reaches the guest. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { badRequest, failure, internalError, isStatusError, notFound, type StatusError } from '../../apimachinery/status.ts';
import { ConsoleFullError, VIEWERS_MAX } from './console.ts';
import { messageOf } from './errors.ts';
import type { Guest } from './guest.ts';
import { connectSocket } from './qmp.ts';
import { acceptWebSocket, relayConsole, relayDatagrams, relayStream } from './relay.ts';

/** Where guests are found, and the addresses they answer on. */
export interface Guests {
  find(namespace: string, name: string): Guest | undefined;
  /** The pod address that leads to the guest. */
  address(guest: Guest): string | undefined;
}

const PATH = /^\/v1\/namespaces\/([^/]+)\/virtualmachineinstances\/([^/]+)\/([a-z]+)(?:\/([^/]*))?(?:\/([^/]*))?$/;
const DIAL_TIMEOUT_MS = 10_000;
const VNC_TIMEOUT_MS = 2000;

interface Target {
  guest: Guest;
  action: string;
  args: (string | undefined)[];
  query: URLSearchParams;
}

/** Displays in use, by guest: what `preserveSession` asks about. */
const displays = new WeakMap<Guest, number>();

function parseTarget(guests: Guests, target: string): Target {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const match = PATH.exec(path);
  if (match === null) {
    throw notFound({ group: '', resource: 'path', name: path });
  }
  const [namespace = '', name = '', action = '', ...args] = match.slice(1).map((part) => (part === undefined ? undefined : decodeURIComponent(part)));
  const guest = guests.find(namespace, name);
  if (guest === undefined || guest.state === 'ended') {
    throw badRequest(`Unable to connect to virtual machine instance because phase is not Running: no guest ${namespace}/${name} runs on this node`);
  }
  return { guest, action, args, query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)) };
}

async function act({ guest, action }: Target): Promise<void> {
  switch (action) {
    case 'pause': await guest.pause(); return;
    case 'unpause': await guest.unpause(); return;
    case 'reset': await guest.reset(); return;
    case 'softreboot': await guest.softReboot(); return;
    default: throw notFound({ group: '', resource: 'action', name: action });
  }
}

const statusOf = (error: unknown): StatusError => (isStatusError(error) ? error : internalError(messageOf(error)));

async function dialTcp(address: string, port: number): Promise<Socket> {
  const socket = connect({ host: address, port, noDelay: true });
  const timer = setTimeout(() => {
    socket.destroy(new Error(`nothing answered on ${address}:${port} within ${DIAL_TIMEOUT_MS / 1000} seconds`));
  }, DIAL_TIMEOUT_MS);
  try {
    await once(socket, 'connect');
  } finally {
    clearTimeout(timer);
  }
  socket.pause();
  return socket;
}

/** What an accepted upgrade is joined to: dialled first, so that a refusal is still an HTTP answer. */
type Join = (accept: () => ReturnType<typeof acceptWebSocket>) => Promise<void>;

function joinConsole(guest: Guest): Join {
  const { console } = guest;
  if (console === undefined) {
    throw badRequest('No serial consoles are present.');
  }
  if (console.viewers >= VIEWERS_MAX) {
    throw failure('TooManyRequests', new ConsoleFullError(`the console has ${VIEWERS_MAX} viewers already`).message);
  }
  return async (accept) => {
    relayConsole(await accept(), console);
  };
}

async function joinDisplay(guest: Guest, query: URLSearchParams): Promise<Join> {
  const { display } = guest;
  if (display === undefined) {
    throw badRequest('No graphics devices are present.');
  }
  if (query.get('preserveSession') === 'true' && (displays.get(guest) ?? 0) > 0) {
    throw internalError('active VNC connection. Request denied.');
  }
  const socket = await connectSocket(display, VNC_TIMEOUT_MS);
  socket.pause();
  return async (accept) => {
    displays.set(guest, (displays.get(guest) ?? 0) + 1);
    socket.once('close', () => {
      displays.set(guest, (displays.get(guest) ?? 1) - 1);
    });
    relayStream(await accept(), socket);
    socket.resume();
  };
}

async function joinPort(guests: Guests, guest: Guest, [portText, protocol = 'tcp']: (string | undefined)[]): Promise<Join> {
  const port = Number(portText);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw badRequest(`invalid port ${portText ?? ''}`);
  }
  const address = guests.address(guest);
  if (address === undefined) {
    throw badRequest('the virtual machine instance has no network address');
  }
  if (protocol === 'udp') {
    const udp = createSocket('udp4');
    udp.connect(port, address);
    await once(udp, 'connect');
    return async (accept) => {
      relayDatagrams(await accept(), udp);
    };
  }
  if (protocol !== 'tcp') {
    throw badRequest(`unsupported protocol ${protocol}: must be tcp or udp`);
  }
  const socket = await dialTcp(address, port);
  return async (accept) => {
    relayStream(await accept(), socket);
    socket.resume();
  };
}

async function join(guests: Guests, target: Target): Promise<Join> {
  switch (target.action) {
    case 'console': return joinConsole(target.guest);
    case 'vnc': return await joinDisplay(target.guest, target.query);
    case 'portforward': return await joinPort(guests, target.guest, target.args);
    default: throw notFound({ group: '', resource: 'stream', name: target.action });
  }
}

/** Answers an upgrade with HTTP, as it cannot be granted. */
function refuse(socket: Duplex, error: StatusError): void {
  const body = JSON.stringify(error.status);
  socket.end(`HTTP/1.1 ${error.code} ${error.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

/** For the node's server to mount at `/v1/namespaces/…/virtualmachineinstances/…`. */
export function guestHandler(guests: Guests): NodeHandler {
  const answer: NodeHandler['request'] = (target, req, res) => {
    const work = async (): Promise<void> => {
      if (req.method !== 'PUT') {
        throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
      }
      await act(parseTarget(guests, target));
    };
    const reply = async (): Promise<void> => {
      try {
        await work();
        res.statusCode = 200;
        res.end();
      } catch (error) {
        const { code, status } = statusOf(error);
        res.statusCode = code;
        res.setHeader('content-type', 'application/json');
        res.end(JSON.stringify(status));
      }
    };
    req.resume();
    void reply();
  };
  const upgrade = async (target: string, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const connected = await join(guests, parseTarget(guests, target));
    await connected(() => acceptWebSocket(req, socket, head));
  };
  return {
    request: answer,
    upgrade(target, req, socket, head) {
      upgrade(target, req, socket, head).catch((error: unknown) => {
        refuse(socket, statusOf(error));
      });
    },
  };
}

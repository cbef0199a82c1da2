/**
 * A process of its own inside a pod's network namespace: connects to the pod's localhost when asked and hands the connected socket to the
 * node's process, which alone reads and writes it. Says nothing else, and ends when the node's process closes the channel.
 *
 * Messages in: `{ id, host, port }`. Messages out: `{ id }` with the socket, or `{ id, code }` with the system's error code.
 */
import { connect } from 'node:net';

const TIMEOUT_MS = 10_000;

function isRequest(message: unknown): message is { id: number; host: string; port: number } {
  return typeof message === 'object' && message !== null && 'id' in message && typeof message.id === 'number'
    && 'host' in message && typeof message.host === 'string' && 'port' in message && typeof message.port === 'number';
}

process.on('message', (message) => {
  if (!isRequest(message)) {
    return;
  }
  const { id, host, port } = message;
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, timeout: TIMEOUT_MS });
  // What the server says first is for the one who gets the socket.
  socket.pause();
  const failed = (code: string): void => {
    socket.destroy();
    process.send?.({ id, code });
  };
  socket.once('timeout', () => { failed('ETIMEDOUT'); });
  socket.once('error', (error: NodeJS.ErrnoException) => { failed(error.code ?? error.message); });
  socket.once('connect', () => {
    socket.removeAllListeners();
    socket.setTimeout(0);
    // Should the node's process be gone, so is the channel, and with it this process.
    process.send?.({ id }, socket, {}, () => undefined);
  });
});

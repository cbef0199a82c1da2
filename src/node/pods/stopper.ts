/** Ending one container gracefully: preStop hook, stop signal, and SIGKILL when the grace period is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, Pod } from '../../kinds/generated/core.ts';
import { PodmanError } from '../podman/errors.ts';
import { runAction } from './actions.ts';
import type { ActionTarget } from './actions.ts';
import type { PodContext } from './context.ts';
import { messageOf } from './errors.ts';
import type { PodExtension } from './extension.ts';

/** After SIGKILL the exit must show up within this time, milliseconds; else the container is removed by force. */
const KILL_PATIENCE_MS = 15_000;
/** Kubernetes gives hooks at least this long, milliseconds. */
const MIN_GRACE_MS = 2_000;
const NEVER = new AbortController().signal;

export interface StopRequest {
  pod: Pod;
  container: Container;
  target: ActionTarget;
  extension: PodExtension | undefined;
  /** Name or number; empty for SIGTERM. */
  stopSignal: string;
  graceMs: number;
  /** Resolves when the container has ended. */
  exited: Promise<void>;
  /** Aborts when the rest of the grace period is to be cut short. */
  hurry: AbortSignal;
  /** Aborts when this process ends: the container is left as it is. */
  abandon: AbortSignal;
}

/** Podman answers 409 or 500 for a container that is not running any more: that is what was wanted. */
async function signalContainer(context: PodContext, id: string, signal: string): Promise<void> {
  try {
    await context.podman.killContainer(id, signal);
  } catch (error) {
    if (!(error instanceof PodmanError)) {
      throw error;
    }
    context.log.debug({ id, signal, error: error.message }, 'a container could not be signalled; it has probably ended');
  }
}

/** Resolves true when `exited` did within the time, false when the time or patience ended first. Rejects when abandoned. */
async function within(request: StopRequest, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const signal = AbortSignal.any([timer.signal, request.hurry, request.abandon]);
  // An aborted sleep rejects: who aborted it is asked below.
  const late = sleep(milliseconds, false, { signal }).catch(() => false);
  try {
    return await Promise.race([request.exited.then(() => true), late]);
  } finally {
    timer.abort();
    request.abandon.throwIfAborted();
  }
}

async function preStop(context: PodContext, request: StopRequest, deadline: number): Promise<void> {
  const hook = request.container.lifecycle?.preStop;
  if (hook === undefined) {
    return;
  }
  const timeoutMs = Math.max(MIN_GRACE_MS, deadline - Date.now());
  if (hook.sleep !== undefined) {
    await within(request, Math.min(hook.sleep.seconds * 1000, timeoutMs));
    return;
  }
  const result = await runAction(hook, request.target, timeoutMs);
  if (!result.ok) {
    context.recorder.event(request.pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${result.output}`,
      { fieldPath: `spec.containers{${request.container.name}}` });
  }
}

async function askToStop(context: PodContext, request: StopRequest, remaining: number): Promise<void> {
  const { extension, pod, container, target } = request;
  if (extension !== undefined) {
    const signal = AbortSignal.any([AbortSignal.timeout(Math.max(1, remaining)), request.hurry]);
    try {
      await extension.stop(pod, container.name, signal);
      return;
    } catch (error) {
      context.log.info({ pod: pod.metadata.name, container: container.name, error: messageOf(error) }, 'a container could not be asked to stop; sending it the stop signal');
    }
  }
  await signalContainer(context, target.id, request.stopSignal === '' ? 'SIGTERM' : request.stopSignal);
}

/** Resolves when the container has ended or was removed by force. */
export async function stopContainer(context: PodContext, request: StopRequest): Promise<void> {
  const { graceMs, target, hurry } = request;
  const deadline = Date.now() + graceMs;
  if (graceMs > 0 && !hurry.aborted) {
    await preStop(context, request, deadline);
    const remaining = Math.max(MIN_GRACE_MS, deadline - Date.now());
    // An extension's own way of stopping may last; its exit ends the wait all the same.
    askToStop(context, request, remaining).catch((error: unknown) => {
      context.log.warn({ id: target.id, error: messageOf(error) }, 'a container could not be asked to stop');
    });
    if (await within(request, remaining)) {
      return;
    }
  }
  await signalContainer(context, target.id, 'SIGKILL');
  if (!await within({ ...request, hurry: NEVER }, KILL_PATIENCE_MS)) {
    context.log.warn({ id: target.id }, 'a killed container does not end; removing it by force');
    await context.podman.removeContainer(target.id);
  }
}

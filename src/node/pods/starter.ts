/** Making and starting one container: one request to create it, one to start it. */
import type { Container, Pod } from '../../kinds/generated/core.ts';
import { isPodmanStatus, PodmanError } from '../podman/errors.ts';
import type { ContainerSpec } from '../podman/spec.ts';
import { cgroupRoot, podCgroup } from './context.ts';
import type { PodContext, PodImage } from './context.ts';
import { containerSpec } from './containerspec.ts';
import { containerEnvironment, expand } from './environment.ts';
import type { EnvironmentContext } from './environment.ts';
import { PodStartError } from './errors.ts';
import type { ContainerOverride } from './extension.ts';
import { containerName } from './naming.ts';
import { logFile, podHostname, prepareContainerFiles } from './podfiles.ts';
import type { PodSandbox } from './sandbox.ts';

export interface StartRequest {
  pod: Pod;
  container: Container;
  attempt: number;
  /** Undefined when the container runs on a folder of the host. */
  image?: PodImage;
  override: ContainerOverride;
  /** Where events say it happened. */
  fieldPath: string;
  /** Path of the PID namespace that the container joins instead of the pod's or one of its own. */
  pidNamespace?: string;
}

/** A container was made but its process could not be started: it counts as an attempt that failed. */
export class ContainerStartFailure extends Error {
  readonly id: string;

  constructor(id: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContainerStartFailure';
    this.id = id;
  }
}

export interface Started {
  id: string;
  startedAt: Date;
}

async function buildSpec(context: PodContext, sandbox: PodSandbox, request: StartRequest): Promise<ContainerSpec> {
  const { pod, container, attempt, override } = request;
  const environmentContext: EnvironmentContext = {
    pod, objects: context.objects, allocatable: context.allocatable, services: context.services(),
    addresses: { podIp: sandbox.ip(pod), hostIp: context.hostIp, nodeName: context.instance.nodeName },
  };
  const environment = await containerEnvironment(container, environmentContext);
  const pidNamespace = request.pidNamespace ?? await sandbox.pidNamespace(pod);
  const { mounts, images } = await sandbox.volumes.mountsOf(container, (text) => expand(text, (name) => environment[name]));
  const message = await prepareContainerFiles(sandbox.podDir, container, attempt);
  const own = new Set(mounts.map((mount) => mount.destination));
  const shared = [...sandbox.mounts, message].filter((mount) => !own.has(mount.destination));
  return containerSpec({
    pod, container, attempt, override, environment,
    instanceId: context.instance.id, dataDir: context.instance.dataDir,
    image: { ...(request.image === undefined ? {} : { id: request.image.id }), user: request.image?.user ?? '' },
    ...(sandbox.network === undefined ? {} : { netns: sandbox.network.netns }),
    cgroupParent: `${cgroupRoot(context.instance)}/${podCgroup(sandbox.uid)}`,
    hostname: podHostname(pod),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
    mounts: [...shared, ...mounts], imageVolumes: images,
    logPath: logFile(sandbox.podDir, container.name, attempt),
    memoryCapacity: context.memoryCapacity, lowestOomScore: context.lowestOomScore,
  });
}

/** What is wrong, without Podman's repetitions around it. */
function shortMessage(error: PodmanError): string {
  return error.message.replace(/^.*(?:runc|crun): /s, '').replace(/^.*create failed: /, '').trim();
}

async function create(context: PodContext, spec: ContainerSpec): Promise<string> {
  try {
    return (await context.podman.createContainer(spec)).id;
  } catch (error) {
    if (error instanceof PodmanError) {
      throw new PodStartError('CreateContainerError', error.message, { cause: error });
    }
    throw error;
  }
}

/**
 * What an earlier try left under the name: a container that runs is the one wanted (its answer was lost), any other is in the way.
 * Undefined when there is nothing to keep.
 */
async function adoptLeftover(context: PodContext, name: string): Promise<Started | undefined> {
  const found = await context.podman.inspectContainer(name).catch((error: unknown) => {
    if (isPodmanStatus(error, 404)) {
      return undefined;
    }
    throw error;
  });
  if (found?.running === true) {
    return { id: found.id, startedAt: found.startedAt ?? new Date() };
  }
  if (found !== undefined) {
    await context.podman.removeContainer(found.id);
  }
  return undefined;
}

const isNameTaken = (error: unknown): boolean =>
  error instanceof PodStartError && error.cause instanceof PodmanError && /already in use/.test(error.cause.message);

/**
 * Throws PodStartError when it cannot be made, ContainerStartFailure when it was made and does not run.
 * `signal` stops it before the container is made.
 */
export async function startContainer(context: PodContext, sandbox: PodSandbox, request: StartRequest, signal: AbortSignal): Promise<Started> {
  const spec = await buildSpec(context, sandbox, request);
  return await context.gate.run(async () => {
    signal.throwIfAborted();
    let id: string;
    try {
      id = await create(context, spec);
    } catch (error) {
      if (!isNameTaken(error)) {
        throw error;
      }
      const running = await adoptLeftover(context, containerName(request.pod, request.container.name, request.attempt));
      if (running !== undefined) {
        return running;
      }
      id = await create(context, spec);
    }
    context.recorder.event(request.pod, 'Normal', 'Created', `Created container: ${request.container.name}`,
      { fieldPath: request.fieldPath });
    try {
      await context.podman.startContainer(id);
    } catch (error) {
      if (error instanceof PodmanError) {
        throw new ContainerStartFailure(id, shortMessage(error), { cause: error });
      }
      throw error;
    }
    return { id, startedAt: new Date() };
  });
}

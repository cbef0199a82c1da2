/** Podman's answers, parsed. */
import { booleanOf, childOf, fieldsOf, listOf, mapOf, numberOf, requiredText, textOf, textsOf, timeOf } from './parse.ts';
import type { Fields } from './parse.ts';

export type ContainerStatusText = 'created' | 'initialized' | 'running' | 'paused' | 'stopping' | 'stopped' | 'exited' | 'removing' | 'unknown';

/** One line of `GET /containers/json`. */
export interface ListedContainer {
  id: string;
  name: string;
  labels: Record<string, string>;
  state: string;
  image: string;
  pid: number;
  exitCode: number;
}

export interface InspectedContainer {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: string;
  running: boolean;
  pid: number;
  exitCode: number;
  oomKilled: boolean;
  error: string;
  startedAt?: Date;
  finishedAt?: Date;
  /** Image id without prefix; empty for a root folder. */
  imageId: string;
  imageDigest: string;
  imageName: string;
  cgroupPath: string;
  tty: boolean;
  openStdin: boolean;
  logPath: string;
  /** Folder with conmon's control FIFO `ctl`. */
  bundle: string;
}

export interface PodmanEvent {
  type: string;
  status: string;
  id: string;
  name: string;
  labels: Record<string, string>;
  exitCode?: number;
  time?: Date;
}

export interface ListedImage {
  id: string;
  names: string[];
  digests: string[];
  size: number;
  created?: Date;
  containers: number;
}

export interface InspectedImage {
  id: string;
  digest: string;
  names: string[];
  repoDigests: string[];
  size: number;
  user: string;
  env: string[];
  entrypoint: string[];
  cmd: string[];
  workingDir: string;
  stopSignal: string;
  exposedPorts: string[];
  volumes: string[];
  labels: Record<string, string>;
}

export interface PodmanVersion {
  version: string;
  apiVersion: string;
  os: string;
  arch: string;
  kernel: string;
}

export interface ExecState {
  running: boolean;
  exitCode: number;
  pid: number;
}

export function parseListedContainer(value: unknown): ListedContainer {
  const fields = fieldsOf(value, 'a listed container');
  return {
    id: requiredText(fields, 'Id', 'a listed container'),
    name: textsOf(fields, 'Names')[0] ?? '',
    labels: mapOf(fields, 'Labels'),
    state: textOf(fields, 'State'),
    image: textOf(fields, 'Image'),
    pid: numberOf(fields, 'Pid'),
    exitCode: numberOf(fields, 'ExitCode'),
  };
}

export function parseInspectedContainer(value: unknown): InspectedContainer {
  const fields = fieldsOf(value, 'an inspected container');
  const state = childOf(fields, 'State');
  const config = childOf(fields, 'Config');
  const started = timeOf(state, 'StartedAt');
  const finished = timeOf(state, 'FinishedAt');
  const ociConfig = textOf(fields, 'OCIConfigPath');
  return {
    id: requiredText(fields, 'Id', 'an inspected container'),
    name: textOf(fields, 'Name'),
    labels: mapOf(config, 'Labels'),
    status: textOf(state, 'Status'),
    running: booleanOf(state, 'Running'),
    pid: numberOf(state, 'Pid'),
    exitCode: numberOf(state, 'ExitCode'),
    oomKilled: booleanOf(state, 'OOMKilled'),
    error: textOf(state, 'Error'),
    ...(started === undefined ? {} : { startedAt: started }),
    ...(finished === undefined ? {} : { finishedAt: finished }),
    imageId: textOf(fields, 'Image'),
    imageDigest: textOf(fields, 'ImageDigest'),
    imageName: textOf(fields, 'ImageName'),
    cgroupPath: textOf(state, 'CgroupPath'),
    tty: booleanOf(config, 'Tty'),
    openStdin: booleanOf(config, 'OpenStdin'),
    logPath: textOf(childOf(childOf(fields, 'HostConfig'), 'LogConfig'), 'Path'),
    bundle: ociConfig.slice(0, Math.max(0, ociConfig.lastIndexOf('/'))),
  };
}

export function parseEvent(value: unknown): PodmanEvent {
  const fields = fieldsOf(value, 'an event');
  const actor = childOf(fields, 'Actor');
  const attributes = mapOf(actor, 'Attributes');
  const exit = attributes['containerExitCode'];
  const nanos = numberOf(fields, 'timeNano');
  return {
    type: textOf(fields, 'Type'),
    status: textOf(fields, 'Action') || textOf(fields, 'status'),
    id: textOf(actor, 'ID') || textOf(fields, 'id'),
    name: attributes['name'] ?? '',
    labels: attributes,
    ...(exit === undefined ? {} : { exitCode: Number(exit) }),
    ...(nanos === 0 ? {} : { time: new Date(nanos / 1e6) }),
  };
}

function dateOfSeconds(seconds: number): { created?: Date } {
  return seconds === 0 ? {} : { created: new Date(seconds * 1000) };
}

export function parseListedImage(value: unknown): ListedImage {
  const fields = fieldsOf(value, 'a listed image');
  return {
    id: requiredText(fields, 'Id', 'a listed image'),
    names: textsOf(fields, 'RepoTags'),
    digests: textsOf(fields, 'RepoDigests'),
    size: numberOf(fields, 'Size'),
    containers: numberOf(fields, 'Containers'),
    ...dateOfSeconds(numberOf(fields, 'Created')),
  };
}

const keysOf = (fields: Fields, key: string): string[] => Object.keys(childOf(fields, key));

export function parseInspectedImage(value: unknown): InspectedImage {
  const fields = fieldsOf(value, 'an inspected image');
  const config = childOf(fields, 'Config');
  return {
    id: requiredText(fields, 'Id', 'an inspected image'),
    digest: textOf(fields, 'Digest'),
    names: textsOf(fields, 'RepoTags'),
    repoDigests: textsOf(fields, 'RepoDigests'),
    size: numberOf(fields, 'Size'),
    user: textOf(config, 'User') || textOf(fields, 'User'),
    env: textsOf(config, 'Env'),
    entrypoint: textsOf(config, 'Entrypoint'),
    cmd: textsOf(config, 'Cmd'),
    workingDir: textOf(config, 'WorkingDir'),
    stopSignal: textOf(config, 'StopSignal'),
    exposedPorts: keysOf(config, 'ExposedPorts'),
    volumes: keysOf(config, 'Volumes'),
    labels: mapOf(config, 'Labels'),
  };
}

export function parseVersion(value: unknown): PodmanVersion {
  const fields = fieldsOf(value, 'the version');
  return {
    version: requiredText(fields, 'Version', 'the version'),
    apiVersion: textOf(fields, 'ApiVersion'),
    os: textOf(fields, 'Os'),
    arch: textOf(fields, 'Arch'),
    kernel: textOf(fields, 'KernelVersion'),
  };
}

export function parseExec(value: unknown): ExecState {
  const fields = fieldsOf(value, 'an exec session');
  return { running: booleanOf(fields, 'Running'), exitCode: numberOf(fields, 'ExitCode'), pid: numberOf(fields, 'Pid') };
}

export const parseListedContainers = (value: unknown): ListedContainer[] =>
  listOf(value, 'the list of containers').map(parseListedContainer);
export const parseListedImages = (value: unknown): ListedImage[] => listOf(value, 'the list of images').map(parseListedImage);

/** The shop of `examples/shop/`: how far it is, and the page it shows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isConditionTrue } from '../../apimachinery/conditions.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { DEPLOYMENTS, EVENTS, JOBS, NAMESPACES, NODES, PODS, SERVICES, VIRTUALMACHINEINSTANCES, VIRTUALMACHINES } from '../../client/resources.ts';
import type { Client } from '../../client/client.ts';
import type { Deployment } from '../../kinds/generated/apps.ts';
import type { Event } from '../../kinds/generated/core.ts';
import type { Job } from '../../kinds/generated/batch.ts';
import type { VirtualMachine } from '../../kinds/generated/kubevirt.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';

export const SHOP = 'shop';
/** Emulated guests on a busy machine boot in tens of seconds. */
const READY_LIMIT_SECONDS = 300;
const LOOK_EVERY_MS = 500;
const PAGE_ATTEMPTS = 20;
const PAGE_LIMIT_MS = 8_000;
/** Longest page read, characters. */
const PAGE_MAX = 64 * 1024;

interface State {
  /** One phrase per object that is not ready. */
  waiting: string[];
  failed: boolean;
}

/** Waiting reasons that someone should see. */
async function troubles(client: Client): Promise<string[]> {
  const { items } = await client.list(PODS, { namespace: SHOP });
  return items.flatMap(({ metadata, status }) => (status?.containerStatuses ?? []).flatMap(({ state }) => {
    const reason = state?.waiting?.reason ?? '';
    return /Err|BackOff|Invalid/.test(reason) ? [`${metadata.name ?? ''}: ${reason}`] : [];
  }));
}

/** The newest warning, for when it takes too long. */
async function lastWarning(client: Client): Promise<string> {
  const { items } = await client.list(EVENTS, { namespace: SHOP, fieldSelector: 'type=Warning' });
  const when = ({ lastTimestamp, eventTime, metadata }: Event): string => lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
  const newest = items.reduce<Event | undefined>((best, one) => (best === undefined || when(one) > when(best) ? one : best), undefined);
  return newest === undefined ? '' : `${newest.involvedObject.kind ?? ''} ${newest.involvedObject.name ?? ''}: ${newest.message ?? newest.reason ?? ''}`;
}

const machinePhrase = ({ status }: VirtualMachine): string[] => (isConditionTrue(status?.conditions, 'Ready')
  ? [] : [`virtual machine inventory: ${status?.printableStatus ?? 'Stopped'}`]);

function webPhrase({ metadata, spec, status }: Deployment): string[] {
  const wanted = spec.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  return ready < wanted || (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ? [`web: ${ready}/${wanted}`] : [];
}

const checkPhrase = ({ status }: Job): string[] => (isConditionTrue(status?.conditions, 'Complete')
  ? [] : [`check: ${(status?.active ?? 0) > 0 ? 'running' : 'pending'}`]);

async function look(client: Client): Promise<State> {
  const [machine, web, check] = await Promise.all([
    client.get(VIRTUALMACHINES, 'inventory', SHOP), client.get(DEPLOYMENTS, 'web', SHOP), client.get(JOBS, 'check', SHOP),
  ]);
  const waiting = [...machinePhrase(machine), ...webPhrase(web), ...checkPhrase(check)];
  return {
    waiting: waiting.length === 0 ? [] : [...waiting, ...await troubles(client)],
    failed: isConditionTrue(check.status?.conditions, 'Failed'),
  };
}

/** Resolves when the machine, the front ends and the check are all right; throws a CliError when that does not come. */
export async function untilReady(client: Client, show: (state: string) => void): Promise<void> {
  const end = Date.now() + READY_LIMIT_SECONDS * 1000;
  for (;;) {
    const { waiting, failed } = await look(client);
    if (failed) {
      throw new CliError(text('demo.error.job', { namespace: SHOP }));
    }
    if (waiting.length === 0) {
      return;
    }
    show(waiting.join(', '));
    if (Date.now() > end) {
      const warning = await lastWarning(client);
      const what = warning === '' ? waiting.join(', ') : `${waiting.join(', ')} (${warning})`;
      throw new CliError(text('demo.error.slow', { seconds: READY_LIMIT_SECONDS, what, namespace: SHOP }));
    }
    await sleep(LOOK_EVERY_MS);
  }
}

export interface ShopAddresses {
  /** Through the Service's address. */
  page: string;
  /** Through the node's port, for other machines; absent without one. */
  nodePage?: string;
  /** The virtual machine itself. */
  inventory: string;
}

export async function shopAddresses(client: Client): Promise<ShopAddresses> {
  const [service, machine, { items: nodes }] = await Promise.all([
    client.get(SERVICES, 'web', SHOP), client.get(VIRTUALMACHINEINSTANCES, 'inventory', SHOP), client.list(NODES),
  ]);
  const nodePort = service.spec.ports?.[0]?.nodePort;
  const nodeIp = nodes[0]?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  return {
    page: `http://${service.spec.clusterIP ?? ''}/`,
    ...(nodePort === undefined || nodeIp === undefined ? {} : { nodePage: `http://${nodeIp}:${nodePort}/` }),
    inventory: `http://${machine.status?.interfaces?.[0]?.ipAddress ?? ''}/inventory.csv`,
  };
}

/** A page's words as lines: enough of HTML for the page the starter image makes. */
export function pageLines(html: string): string[] {
  const body = html.slice(0, PAGE_MAX).replace(/<(style|title)>[\s\S]*?<\/\1>/g, '').replace(/<\/t[dh]><t[dh]>/g, '\t').replace(/<[^>]*>/g, '');
  const plain = body.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
  return plain.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => line.replace(/\t/g, '  '));
}

/** The page as a customer gets it. A service's rules follow its endpoints a moment later, so a refusal is tried again. */
export async function fetchPage(url: string): Promise<string> {
  let why = '';
  for (let attempt = 0; attempt < PAGE_ATTEMPTS; attempt += 1) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(PAGE_LIMIT_MS) });
      const page = await answer.text();
      if (answer.ok) {
        return page;
      }
      why = `HTTP ${answer.status}`;
    } catch (error) {
      why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    }
    await sleep(LOOK_EVERY_MS);
  }
  throw new CliError(text('demo.error.page', { url, why }));
}

async function exists(client: Client): Promise<boolean> {
  try {
    await client.get(NAMESPACES, SHOP);
    return true;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return false;
    }
    throw error;
  }
}

/** Removes the shop and waits until it is gone; answers whether there was one. */
export async function removeShop(client: Client): Promise<boolean> {
  if (!await exists(client)) {
    return false;
  }
  await client.delete(NAMESPACES, SHOP);
  const end = Date.now() + READY_LIMIT_SECONDS * 1000;
  while (await exists(client)) {
    if (Date.now() > end) {
      throw new CliError(text('demo.error.slow', { seconds: READY_LIMIT_SECONDS, what: `namespace ${SHOP}`, namespace: SHOP }));
    }
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

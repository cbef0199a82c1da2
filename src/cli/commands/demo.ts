/** `telar demo`: from a bare machine to a small shop of a virtual machine and containers. Run twice, it changes nothing. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Command } from 'commander';
import { apply, readManifests, SHOP_FOLDER } from '../demo/manifests.ts';
import { Progress } from '../demo/progress.ts';
import { fetchPage, pageLines, removeShop, SHOP, shopAddresses, untilReady, type ShopAddresses } from '../demo/shop.ts';
import { ensureMachine, findingLine } from '../doctor/examine.ts';
import { CliError } from '../errors.ts';
import { buildImage, nodeName, STARTERS } from '../images/node.ts';
import { currentHolder } from '../instance/lock.ts';
import { DEFAULT_DATA_DIR, dataDirOf, kubeconfigPath } from '../instance/record.ts';
import { ensureUp } from '../instance/serving.ts';
import { text } from '../messages/index.ts';
import { readEstate } from '../ps/estate.ts';
import { printRows } from '../ps/print.ts';
import { rowsOf } from '../ps/rows.ts';
import { withServer, type Server } from '../server.ts';
import type { Wiring } from '../wiring.ts';

interface DemoFlags {
  dataDir?: string;
  yes?: boolean;
  down?: boolean;
}

const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

async function start(wiring: Wiring, dataDir: string, flags: DemoFlags, progress: Progress): Promise<void> {
  progress.step(text('demo.step.doctor'));
  await ensureMachine(wiring, {
    dataDir, yes: flags.yes === true, show: (finding) => process.stdout.write(`    ${findingLine(finding, process.stdout.isTTY).replaceAll('\n', '\n    ')}\n`),
  });
  const holder = await currentHolder(dataDir);
  if (holder !== undefined) {
    progress.step(text('demo.step.upAlready', { url: holder.url }));
    return;
  }
  progress.step(text('demo.step.up'));
  await ensureUp(dataDir);
}

async function makeImages(server: Server, progress: Progress): Promise<void> {
  progress.step(text('demo.step.images'));
  const node = await nodeName(server);
  for (const name of STARTERS) {
    const { image, there } = await buildImage(server, node, {
      name, ifMissing: true, progress: (message) => progress.state(text('images.build.name', { name, message })),
    });
    progress.line(text(there ? 'images.build.there' : 'images.build.done', { image }));
  }
}

async function applyShop(server: Server, progress: Progress): Promise<void> {
  progress.step(text('demo.step.apply'));
  let touched = false;
  for (const manifest of await readManifests(SHOP_FOLDER)) {
    const outcome = await apply(server.client, manifest);
    if (outcome !== 'unchanged') {
      touched = true;
      progress.line(text(outcome === 'created' ? 'demo.created' : 'demo.changed', { what: `${manifest.kind ?? ''} ${manifest.metadata.name ?? ''}` }));
    }
  }
  if (!touched) {
    progress.line(text('demo.unchanged'));
  }
}

function printAddresses(server: Server, { page, nodePage, inventory }: ShopAddresses): void {
  print(`\n${text('demo.addresses')}`);
  const rows = [
    [text('demo.address.page'), nodePage === undefined ? page : `${page}  ${nodePage}`],
    [text('demo.address.inventory'), inventory], [text('demo.address.api'), server.url],
  ] as const;
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, address] of rows) {
    print(`  ${name.padEnd(width)}  ${address}`);
  }
}

const hasKubectl = (): boolean => (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'kubectl')));

/** `telar` as this person called it. */
const self = (): string => process.env['TELAR_COMMAND'] || 'telar';

function printNext(dataDir: string): void {
  const where = dataDir === DEFAULT_DATA_DIR ? '' : ` --data-dir ${dataDir}`;
  print(`\n${text('demo.next')}`);
  const kubectl = hasKubectl();
  print(`  export KUBECONFIG=${kubeconfigPath(dataDir)}${kubectl ? '' : `   # ${text('demo.next.noKubectl')}`}`);
  const next = [
    [`kubectl -n ${SHOP} get workloads`, text('demo.next.workloads')],
    [`kubectl -n ${SHOP} logs -l kubevirt.io=virt-launcher --tail=-1`, text('demo.next.consoleLog')],
    [`kubectl -n ${SHOP} scale deployment web --replicas=4 && ${self()} ps -n ${SHOP} -w${where}`, text('demo.next.scale')],
  ] as const;
  for (const [index, [command, why]] of next.entries()) {
    print(`  ${index + 1}. ${why}:\n     ${command}`);
  }
  print(`\n${text('demo.next.down', { command: `${self()} demo --down${where}` })}`);
}

async function up(wiring: Wiring, flags: DemoFlags): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new CliError(text('up.error.root'));
  }
  const dataDir = dataDirOf(flags.dataDir);
  const progress = new Progress();
  await start(wiring, dataDir, flags, progress);
  await withServer(dataDir, async (server) => {
    await makeImages(server, progress);
    await applyShop(server, progress);
    progress.step(text('demo.step.wait'));
    await untilReady(server.client, (state) => progress.state(state));
    progress.done();
    const addresses = await shopAddresses(server.client);
    const page = await fetchPage(addresses.page);
    print(`\n${text('demo.page', { url: addresses.page })}`);
    for (const line of pageLines(page)) {
      print(`  | ${line}`);
    }
    print();
    print(printRows(rowsOf(await readEstate(server, { namespace: SHOP })), { allNamespaces: false, wide: false, now: Date.now() }).trimEnd());
    printAddresses(server, addresses);
    printNext(dataDir);
  });
}

async function down(flags: DemoFlags): Promise<void> {
  await withServer(dataDirOf(flags.dataDir), async ({ client }) => {
    print(text('demo.removing'));
    print(text(await removeShop(client) ? 'demo.removed' : 'demo.nothing'));
  });
}

export function addDemo(program: Command, wiring: Wiring): void {
  program.command('demo').description(text('demo.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('-y, --yes', text('option.yes'))
    .option('--down', text('demo.option.down'))
    .action((flags: DemoFlags) => (flags.down === true ? down(flags) : up(wiring, flags)));
}

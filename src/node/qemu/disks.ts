/** An instance's disks as QEMU's drives and devices. */
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import type { Disk, VirtualMachineInstanceSpec, Volume } from '../../kinds/generated/kubevirt.ts';
import { LaunchError } from './errors.ts';
import { DATA, emptyFile, overlayFile, seedFile } from './layout.ts';
import type { ImageDisk } from './script.ts';
import { checked, joined, literal, optionValue, variable, type Word } from './words.ts';

export interface DiskPlan {
  words: Word[];
  /** Image disks for the launcher script to look at. */
  images: ImageDisk[];
  /** Image of each containerDisk volume, to be mounted. */
  imageVolumes: { volume: string; image: string }[];
  /** Empty disks to be made, by volume. */
  empty: { volume: string; bytes: number }[];
  /** What the guest calls each volume's disk, as far as can be told from outside: `vda`. */
  targets: Map<string, string>;
  /** Drives whose changes QEMU keeps in temporary files, by volume. */
  temporary: { volume: string; drive: string }[];
  /** Names of the files of disks and seeds in the guest's folder. */
  files: string[];
}

/** What a saved guest finds in its folder in place of fresh disks. */
export interface RestoredDisks {
  /** Names the images were kept under, by volume. */
  images: Readonly<Record<string, string>>;
  /** Volumes with a file of what the guest wrote over the image. */
  overlays: ReadonlySet<string>;
}

type Bus = 'virtio' | 'sata' | 'scsi' | 'usb';

/** Ports of q35's own AHCI controller. */
const SATA_PORTS = 6;
const VOLUME_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const SERIAL = /^[A-Za-z0-9_.+-]{1,256}$/;
const IMAGE_PATH = /^\/?[A-Za-z0-9._/-]+$/;

/** Every disk, and one for each volume that none names. */
function allDisks(spec: VirtualMachineInstanceSpec): Disk[] {
  const disks = spec.domain.devices.disks ?? [];
  const named = new Set(disks.map(({ name }) => name));
  return [...disks, ...(spec.volumes ?? []).filter(({ name }) => !named.has(name)).map(({ name }): Disk => ({ name, disk: {} }))];
}

function busOf(disk: Disk): Bus {
  const bus = disk.cdrom?.bus ?? disk.disk?.bus ?? 'sata';
  if (bus !== 'virtio' && bus !== 'sata' && bus !== 'scsi' && bus !== 'usb') {
    throw new LaunchError(`disk ${disk.name}: bus ${JSON.stringify(bus)} is not one of virtio, sata, scsi, usb`);
  }
  if (disk.cdrom !== undefined && bus === 'virtio') {
    throw new LaunchError(`disk ${disk.name}: a CD-ROM cannot be on bus virtio; use sata or scsi`);
  }
  return bus;
}

/** Where the drive's bytes come from; `readonly` is what the source itself allows. */
function source(volume: Volume, plan: DiskPlan, drive: string, restored: RestoredDisks | undefined): { parts: (string | Word)[]; readonly: boolean } {
  const { name } = volume;
  if (volume.containerDisk !== undefined) {
    const index = plan.images.length;
    const path = volume.containerDisk.path ?? '';
    if (path !== '') {
      checked(`volume ${name}: path`, path, IMAGE_PATH);
    }
    plan.images.push({ index, volume: name, path: path.replace(/^\/+/, '') });
    plan.imageVolumes.push({ volume: name, image: restored?.images[name] ?? volume.containerDisk.image });
    if (restored?.overlays.has(name) === true) {
      plan.files.push(overlayFile(name));
      return { parts: [`file=${DATA}/${overlayFile(name)},format=qcow2`], readonly: false };
    }
    plan.temporary.push({ volume: name, drive });
    // The guest writes to a temporary layer over the image, which goes with QEMU.
    return { parts: ['file=', variable(`P${index}`), ',format=', variable(`F${index}`), ',snapshot=on'], readonly: false };
  }
  if (volume.emptyDisk !== undefined) {
    plan.empty.push({ volume: name, bytes: quantityToNumber(volume.emptyDisk.capacity) });
    plan.files.push(emptyFile(name));
    return { parts: [`file=${DATA}/${emptyFile(name)},format=raw,discard=unmap,cache=unsafe`], readonly: false };
  }
  plan.files.push(seedFile(name));
  return { parts: [`file=${DATA}/${seedFile(name)},format=raw`], readonly: true };
}

class Slots {
  #sata = 0;
  #usb = false;
  #scsi = false;
  readonly #letters = { vd: 0, sd: 0, sr: 0 };

  /** Controllers a device needs that are not there yet, and the bus it sits on. */
  place(bus: Bus): { words: Word[]; on: string } {
    switch (bus) {
      case 'virtio': return { words: [], on: '' };
      case 'sata':
        if (this.#sata >= SATA_PORTS) {
          throw new LaunchError(`more than ${SATA_PORTS} disks on bus sata; put some on virtio or scsi`);
        }
        this.#sata += 1;
        return { words: [], on: `,bus=ide.${this.#sata - 1}` };
      case 'scsi': {
        const words = this.#scsi ? [] : [literal('-device'), literal('virtio-scsi-pci,id=scsi0')];
        this.#scsi = true;
        return { words, on: ',bus=scsi0.0' };
      }
      case 'usb': {
        const words = this.#usb ? [] : [literal('-device'), literal('qemu-xhci,id=usbdisks')];
        this.#usb = true;
        return { words, on: ',bus=usbdisks.0' };
      }
      default: return bus satisfies never;
    }
  }

  target(bus: Bus, cdrom: boolean): string {
    const kind = cdrom ? 'sr' : bus === 'virtio' ? 'vd' : 'sd';
    const index = this.#letters[kind];
    this.#letters[kind] += 1;
    return cdrom ? `sr${index}` : kind + letter(index);
  }
}

/** a … z, aa, ab …: how Linux counts disks. */
function letter(index: number): string {
  const last = String.fromCodePoint(97 + (index % 26));
  return index < 26 ? last : letter(Math.floor(index / 26) - 1) + last;
}

const MODELS: Record<Bus, { disk: string; cdrom: string }> = {
  virtio: { disk: 'virtio-blk-pci', cdrom: '' },
  sata: { disk: 'ide-hd', cdrom: 'ide-cd' },
  scsi: { disk: 'scsi-hd', cdrom: 'scsi-cd' },
  usb: { disk: 'usb-storage', cdrom: 'usb-storage' },
};

/**
 * Boot order: what disks and interfaces say; when none says anything, disks in the order they are listed. Seeds are never booted
 * from unasked.
 */
function bootIndex(disk: Disk, volume: Volume, explicit: boolean, position: number): string {
  if (explicit) {
    return disk.bootOrder === undefined ? '' : `,bootindex=${disk.bootOrder}`;
  }
  return volume.containerDisk === undefined ? '' : `,bootindex=${position + 1}`;
}

/** Throws LaunchError for what cannot be honoured. */
export function planDisks(spec: VirtualMachineInstanceSpec, restored?: RestoredDisks): DiskPlan {
  const plan: DiskPlan = { words: [], images: [], imageVolumes: [], empty: [], targets: new Map(), temporary: [], files: [] };
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const disks = allDisks(spec);
  const explicit = [...disks, ...spec.domain.devices.interfaces ?? []].some(({ bootOrder }) => bootOrder !== undefined);
  const slots = new Slots();
  disks.forEach((disk, position) => {
    const volume = volumes.get(disk.name);
    if (volume === undefined) {
      throw new LaunchError(`disk ${disk.name} has no volume of its name`);
    }
    checked('volume name', disk.name, VOLUME_NAME);
    const bus = busOf(disk);
    const cdrom = disk.cdrom !== undefined;
    const id = `drive-${position}`;
    const { parts, readonly } = source(volume, plan, id, restored);
    const { words, on } = slots.place(bus);
    const locked = readonly || cdrom || disk.disk?.readonly === true;
    // A read-only IDE disk does not exist: the drive is writable there, its file is not.
    const readOnlyFlag = locked && (bus !== 'sata' || cdrom) ? ',readonly=on' : readonly ? ',snapshot=on' : '';
    const serial = disk.serial === undefined ? '' : `,serial=${optionValue(checked(`disk ${disk.name}: serial`, disk.serial, SERIAL))}`;
    plan.words.push(
      ...words, literal('-drive'), joined(...parts, `,if=none,id=${id}${readOnlyFlag}`),
      literal('-device'), literal(`${MODELS[bus][cdrom ? 'cdrom' : 'disk']},drive=${id}${on}${serial}${bootIndex(disk, volume, explicit, position)}`),
    );
    plan.targets.set(disk.name, slots.target(bus, cdrom));
  });
  return plan;
}

/**
 * Writes small ISO 9660 images with Rock Ridge names: what guests read cloud-init data, ConfigMaps and Secrets from. Pure; the
 * structures are ECMA-119's, the names IEEE P1282's.
 */

/** A file or a folder. Folders are maps. */
export type IsoTree = Map<string, Buffer | IsoTree>;

export class IsoError extends Error {
  override name = 'IsoError';
}

const SECTOR = 2048;
const SYSTEM_AREA_SECTORS = 16;
/** Sectors of volume descriptors: the primary one and the terminator. */
const DESCRIPTORS = 2;
/** Bytes of a whole image. */
const IMAGE_MAX = 64 << 20;
const NAME_MAX = 128;
const ENTRIES_MAX = 4096;
const MODE_FOLDER = 0o040755;
const MODE_FILE = 0o100644;

interface Node {
  name: string;
  parent: Node | undefined;
  /** Absent for a folder. */
  data: Buffer | undefined;
  children: Node[];
  sector: number;
  bytes: number;
  /** Position in the path table, from 1. */
  number: number;
}

const both16 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt16LE(value, 0);
  out.writeUInt16BE(value, 2);
  return out;
};

const both32 = (value: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeUInt32LE(value, 0);
  out.writeUInt32BE(value, 4);
  return out;
};

const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR);

function padded(text: string, length: number): Buffer {
  return Buffer.from(text.padEnd(length, ' ').slice(0, length), 'latin1');
}

/** What a reader without Rock Ridge sees; such readers show it in lower case and without the version. */
function plainName(node: Node): string {
  const upper = node.name.toUpperCase().replaceAll(/[^A-Z0-9_.-]/g, '_').slice(0, 30);
  return node.data === undefined ? upper.replaceAll('.', '_') : `${upper.includes('.') ? upper : `${upper}.`};1`;
}

function build(tree: IsoTree, name: string, parent: Node | undefined, count: { entries: number }): Node {
  const node: Node = { name, parent, data: undefined, children: [], sector: 0, bytes: 0, number: 0 };
  for (const [childName, child] of tree) {
    count.entries += 1;
    if (childName === '' || childName.length > NAME_MAX || childName.includes('/') || childName === '.' || childName === '..') {
      throw new IsoError(`${JSON.stringify(childName)} cannot be a file's name on a disk`);
    }
    if (count.entries > ENTRIES_MAX) {
      throw new IsoError(`more than ${ENTRIES_MAX} files do not go on one disk`);
    }
    if (Buffer.isBuffer(child)) {
      node.children.push({ name: childName, parent: node, data: child, children: [], sector: 0, bytes: child.length, number: 0 });
    } else {
      node.children.push(build(child, childName, node, count));
    }
  }
  node.children.sort((a, b) => (plainName(a) < plainName(b) ? -1 : 1));
  return node;
}

/** Rock Ridge: attributes, and the name where `name` is given. */
function systemUse(node: Node, name: string | undefined, isRootDot: boolean): Buffer {
  const parts: Buffer[] = [];
  if (isRootDot) {
    parts.push(Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xef, 0]));
  }
  const mode = node.data === undefined ? MODE_FOLDER : MODE_FILE;
  parts.push(Buffer.concat([Buffer.from([0x50, 0x58, 36, 1]), both32(mode), both32(node.data === undefined ? 2 : 1), both32(0), both32(0)]));
  if (name !== undefined) {
    const bytes = Buffer.from(name);
    parts.push(Buffer.from([0x4e, 0x4d, 5 + bytes.length, 1, 0]), bytes);
  }
  if (isRootDot) {
    parts.push(Buffer.from([0x45, 0x52, 18, 1, 10, 0, 0, 1]), Buffer.from('RRIP_1991A'));
  }
  return Buffer.concat(parts);
}

function record(node: Node, identifier: Buffer, use: Buffer): Buffer {
  const base = 33 + identifier.length;
  const start = base + (base % 2);
  const length = start + use.length + (use.length % 2);
  if (length > 255) {
    throw new IsoError(`${JSON.stringify(node.name)} is too long for a file's name on a disk`);
  }
  const out = Buffer.alloc(length);
  out.writeUInt8(length, 0);
  both32(node.sector).copy(out, 2);
  both32(node.data === undefined ? sectorsOf(node.bytes) * SECTOR : node.bytes).copy(out, 10);
  // 1 January 2000: images of the same content are the same bytes.
  Buffer.from([100, 1, 1, 0, 0, 0, 0]).copy(out, 18);
  out.writeUInt8(node.data === undefined ? 2 : 0, 25);
  both16(1).copy(out, 28);
  out.writeUInt8(identifier.length, 32);
  identifier.copy(out, 33);
  use.copy(out, start);
  return out;
}

function folderExtent(node: Node): Buffer {
  const parent = node.parent ?? node;
  const records = [
    record(node, Buffer.from([0]), systemUse(node, undefined, node.parent === undefined)),
    record(parent, Buffer.from([1]), systemUse(parent, undefined, false)),
    ...node.children.map((child) => record(child, Buffer.from(plainName(child), 'latin1'), systemUse(child, child.name, false))),
  ];
  const parts: Buffer[] = [];
  let at = 0;
  for (const one of records) {
    const left = SECTOR - (at % SECTOR);
    if (one.length > left) {
      // A record never crosses a sector's end.
      parts.push(Buffer.alloc(left));
      at += left;
    }
    parts.push(one);
    at += one.length;
  }
  return Buffer.concat(parts);
}

function pathTable(folders: Node[], littleEndian: boolean): Buffer {
  return Buffer.concat(folders.map((folder) => {
    const identifier = folder.parent === undefined ? Buffer.from([0]) : Buffer.from(plainName(folder), 'latin1');
    const out = Buffer.alloc(8 + identifier.length + (identifier.length % 2));
    out.writeUInt8(identifier.length, 0);
    const parent = folder.parent?.number ?? 1;
    if (littleEndian) {
      out.writeUInt32LE(folder.sector, 2);
      out.writeUInt16LE(parent, 6);
    } else {
      out.writeUInt32BE(folder.sector, 2);
      out.writeUInt16BE(parent, 6);
    }
    identifier.copy(out, 8);
    return out;
  }));
}

function primaryDescriptor(label: string, root: Node, total: number, table: { bytes: number; sector: number; sectors: number }): Buffer {
  const out = Buffer.alloc(SECTOR);
  Buffer.from([1, ...Buffer.from('CD001'), 1]).copy(out, 0);
  padded('', 32).copy(out, 8);
  padded(label, 32).copy(out, 40);
  both32(total).copy(out, 80);
  both16(1).copy(out, 120);
  both16(1).copy(out, 124);
  both16(SECTOR).copy(out, 128);
  both32(table.bytes).copy(out, 132);
  out.writeUInt32LE(table.sector, 140);
  out.writeUInt32BE(table.sector + table.sectors, 148);
  record(root, Buffer.from([0]), Buffer.alloc(0)).copy(out, 156);
  for (const [offset, length] of [[190, 128], [318, 128], [446, 128], [574, 128], [702, 37], [739, 37], [776, 37]] as const) {
    padded('', length).copy(out, offset);
  }
  for (const offset of [813, 830, 847, 864]) {
    // Dates, unset.
    Buffer.from('0000000000000000\0', 'latin1').copy(out, offset);
  }
  out.writeUInt8(1, 881);
  return out;
}

const foldersOf = (root: Node): Node[] => {
  const folders = [root];
  for (const folder of folders) {
    folders.push(...folder.children.filter(({ data }) => data === undefined));
  }
  folders.forEach((folder, index) => {
    folder.number = index + 1;
  });
  return folders;
};

/**
 * The image's bytes. `label` is the volume's name, at most 32 characters; `cidata` is what cloud-init looks for.
 * Throws IsoError for names or sizes that do not fit.
 */
export function isoImage(label: string, tree: IsoTree): Buffer {
  const root = build(tree, '', undefined, { entries: 0 });
  const folders = foldersOf(root);
  const files = folders.flatMap(({ children }) => children.filter(({ data }) => data !== undefined));
  // Extents do not depend on where they are, so their sizes can be had before their places.
  for (const folder of folders) {
    folder.bytes = folderExtent(folder).length;
  }
  const tableBytes = pathTable(folders, true).length;
  const tableSector = SYSTEM_AREA_SECTORS + DESCRIPTORS;
  const tableSectors = sectorsOf(tableBytes);
  let sector = tableSector + 2 * tableSectors;
  for (const node of [...folders, ...files]) {
    node.sector = sector;
    sector += Math.max(sectorsOf(node.bytes), 1);
  }
  if (sector * SECTOR > IMAGE_MAX) {
    throw new IsoError(`${sector * SECTOR} bytes are more than the ${IMAGE_MAX} a disk made of API data may have`);
  }
  const image = Buffer.alloc(sector * SECTOR);
  primaryDescriptor(label, root, sector, { bytes: tableBytes, sector: tableSector, sectors: tableSectors }).copy(image, SYSTEM_AREA_SECTORS * SECTOR);
  Buffer.from([255, ...Buffer.from('CD001'), 1]).copy(image, (SYSTEM_AREA_SECTORS + 1) * SECTOR);
  pathTable(folders, true).copy(image, tableSector * SECTOR);
  pathTable(folders, false).copy(image, (tableSector + tableSectors) * SECTOR);
  for (const folder of folders) {
    folderExtent(folder).copy(image, folder.sector * SECTOR);
  }
  for (const file of files) {
    file.data?.copy(image, file.sector * SECTOR);
  }
  return image;
}

/** Where things lie inside the launcher's container. */

/** Monitor, console and display sockets; writable until they exist, then root's. */
export const SOCKETS = '/run/vm';
/** Disks of this instance that are not images: empty disks, seeds, what guests write over image disks. */
export const DATA = '/var/lib/vm';
/** Images, one folder per volume, read-only. */
export const IMAGES = '/run/images';
/** Folder under IMAGES of the image with the kernel; no volume has a name with a dot first. */
export const KERNEL_IMAGE = '.kernel';

export const QMP_SOCKET = 'qmp.sock';
export const SERIAL_SOCKET = 'serial.sock';
export const VNC_SOCKET = 'vnc.sock';

export const seedFile = (volume: string): string => `${volume}.iso`;
export const emptyFile = (volume: string): string => `${volume}.raw`;
/** What the guest wrote over an image disk, in a file of its own once the guest has been saved. */
export const overlayFile = (volume: string): string => `${volume}.overlay`;
/** A saved guest's memory and devices. */
export const MEMORY_FILE = 'memory.saved';
/** QEMU connects here to write them. */
export const SAVE_SOCKET = 'save.sock';

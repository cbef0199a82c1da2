/**
 * A guest of 400 bytes, so that tests need no kernel: a boot sector that says it is ready on the serial port, echoes what is typed,
 * powers off when its power button is pressed or at `q`, resets at `r` and panics at `p`.
 */
const CODE = Buffer.from(
  '31c08ed88ed0bc007cba0206b80001efbe787ce84e00fbf4ba0006edf6c401751bbafd03eca80174eebaf803ec3c71740b3c7274173c70741ceeebdbbe8b7ce8'
  + '2200ba0406b80020eff4ebfdbaf90cb006eef4ebfdbe987ce80900ba0505b001eef4ebfdbafd03eca82074fbac84c07406baf803eeebedc3746573742067756573'
  + '742072656164790d0a00676f696e6720646f776e0d0a004b65726e656c2070616e6963202d206e6f742073796e63696e673a2061736b656420746f0d0a', 'hex');

export const READY = 'test guest ready';
export const LAST_WORDS = 'going down';
const DISK_BYTES = 1440 * 1024;

export function guestDisk(): Buffer {
  const disk = Buffer.alloc(DISK_BYTES);
  CODE.copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

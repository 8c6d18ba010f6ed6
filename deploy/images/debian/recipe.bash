# The Debian 12 image: a disk that boots by BIOS and GRUB, and takes its identity from Lodge through cloud-init.
# Made without mounts or loop devices of ours: mke2fs fills the file system, and GRUB's two parts are put in by dd.

DEBIAN_DISK_MIB=2048
# The layout of Debian's own cloud images: the root comes last on the disk, so that growpart can extend it.
DEBIAN_BOOT_SECTOR=2048 # BIOS boot partition: GRUB's core image, up to where the root begins
DEBIAN_ROOT_SECTOR=8192
DEBIAN_ROOT_SECTORS=$((DEBIAN_DISK_MIB * 2048 - DEBIAN_ROOT_SECTOR - 2048)) # The last MiB is the table's copy's.
DEBIAN_ROOT_UUID=10d6e000-deb1-4000-8000-000000000012
DEBIAN_FILES=(lodge-debian-12.qcow2 lodge-debian-12.json)

build_image() {
  need apt-get=apt mmdebstrap=mmdebstrap mke2fs=e2fsprogs sfdisk=fdisk qemu-img=qemu-utils
  ((EUID == 0)) || fail "the debian image needs root"
  local inputs root=$WORK/root disk=$WORK/disk.raw
  # Of the 250 packages inside, those whose news are worth a rebuild: base-files stands for Debian's point releases.
  inputs=$(inputs_of debian base-files linux-image-cloud-amd64 openssh-server cloud-init)
  if up_to_date "$inputs" "$OUT/.lodge-debian-12.inputs" "${DEBIAN_FILES[@]/#/$OUT/}"; then
    step "lodge-debian-12 is up to date in $OUT"
    return
  fi
  step "installing Debian 12 into a folder (the longest step: 1 to 2 minutes)"
  install_debian "$root"
  step "configuring it"
  configure_debian "$root"
  step "making the disk: partitions"
  partition_disk "$disk"
  step "making the disk: GRUB"
  install_grub "$root" "$disk"
  step "making the disk: root file system"
  fill_root_partition "$root" "$disk"
  step "compressing"
  mkdir "$WORK/out"
  qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd "$disk" "$WORK/out/lodge-debian-12.qcow2"
  describe_image >"$WORK/out/lodge-debian-12.json"
  publish "$WORK/out" "${DEBIAN_FILES[@]}"
  printf '%s\n' "$inputs" >"$OUT/.lodge-debian-12.inputs"
  step "lodge-debian-12 is ready:"
  report "${DEBIAN_FILES[@]/#/$OUT/}"
}

# Manuals, documentation and translations stay out; licences stay in.
install_debian() {
  local packages
  packages=$(grep -v '^#' "$IMAGES/debian/packages" | paste -sd,)
  mmdebstrap --mode=root --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    bookworm "$1" - <"$IMAGES/debian/etc/apt/sources.list" >"$WORK/mmdebstrap.log" 2>&1 || {
    tail -n 20 "$WORK/mmdebstrap.log" >&2
    fail "mmdebstrap failed"
  }
}

# Our settings in, and everything out that must differ from one instance to the next.
configure_debian() {
  local root=$1
  cp -r "$IMAGES/debian/etc/." "$root/etc/"
  cp -r "$IMAGES/debian/usr/." "$root/usr/"
  echo "UUID=$DEBIAN_ROOT_UUID / ext4 rw,discard,errors=remount-ro 0 1" >"$root/etc/fstab"
  echo debian >"$root/etc/hostname"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  # cloud-init asks by dhclient before the network is up.
  echo "timeout 20;" >>"$root/etc/dhcp/dhclient.conf"
  chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved
  # LVM's snapshots and unattended apt are not used here; emulated, the first is 10 s of each boot.
  chroot "$root" systemctl --quiet mask e2scrub_reap.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer
  : >"$root/etc/machine-id"
  rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$root"/etc/ssh/ssh_host_*_key* "$root/var/lib/systemd/random-seed" \
    "$root/var/lib/dbus/machine-id"
  find "$root/var/log" -type f -delete
}

partition_disk() {
  truncate -s "${DEBIAN_DISK_MIB}M" "$1"
  sfdisk --quiet "$1" <<TABLE
label: gpt
label-id: 10D6E000-DEB1-4000-8000-000000000000
p14 : start=$DEBIAN_BOOT_SECTOR, size=$((DEBIAN_ROOT_SECTOR - DEBIAN_BOOT_SECTOR)), type=21686148-6449-6E6F-744E-656564454649
p1 : start=$DEBIAN_ROOT_SECTOR, size=$DEBIAN_ROOT_SECTORS, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
TABLE
}

# little_endian BYTES NUMBER: the number as that many raw bytes.
little_endian() {
  local i
  # shellcheck disable=SC2059
  for ((i = 0; i < $1; i++)); do printf "\\x$(printf %02x $((($2 >> (8 * i)) & 255)))"; done
}

# write_at FILE OFFSET: standard input into the file at a byte offset.
write_at() { dd of="$1" bs=64K oflag=seek_bytes seek="$2" conv=notrunc status=none; }

# What grub-install does, without a block device. The boot sector holds the core image's place at 0x5c; the core
# image's first sector ends with a list of where its rest is, whose first entry starts 12 bytes before the end.
install_grub() {
  local root=$1 disk=$2 platform=$1/usr/lib/grub/i386-pc core=$WORK/core.img
  mkdir -p "$root/boot/grub/i386-pc"
  cp "$platform"/*.mod "$platform"/*.lst "$root/boot/grub/i386-pc/"
  chroot "$root" grub-mkimage -O i386-pc -p '(,gpt1)/boot/grub' -o /tmp/core.img \
    biosdisk part_gpt ext2 normal linux serial terminal echo search search_fs_uuid configfile
  mv "$root/tmp/core.img" "$core"
  (($(stat -c %s "$core") <= (DEBIAN_ROOT_SECTOR - DEBIAN_BOOT_SECTOR) * 512)) || fail "GRUB's core image is too large"
  head -c 440 "$platform/boot.img" | write_at "$disk" 0
  little_endian 8 "$DEBIAN_BOOT_SECTOR" | write_at "$disk" $((0x5c))
  little_endian 8 $((DEBIAN_BOOT_SECTOR + 1)) | write_at "$core" $((512 - 12))
  write_at "$disk" $((DEBIAN_BOOT_SECTOR * 512)) <"$core"
  first_grub_menu "$root" >"$root/boot/grub/grub.cfg"
}

# The menu until the guest's first update-grub (which a new kernel runs) writes its own.
first_grub_menu() {
  local release
  release=$(basename "$1"/lib/modules/*)
  cat <<MENU
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
menuentry "Debian GNU/Linux, with Linux $release" {
  linux /boot/vmlinuz-$release root=UUID=$DEBIAN_ROOT_UUID ro console=tty0 console=ttyS0,115200
  initrd /boot/initrd.img-$release
}
MENU
}

fill_root_partition() {
  local root=$1 disk=$2
  # GRUB 2.06 does not read metadata_csum_seed, which newer versions of mke2fs turn on.
  mke2fs -q -F -t ext4 -L debian-root -U "$DEBIAN_ROOT_UUID" -O ^metadata_csum_seed,^orphan_file -m 1 \
    -E "offset=$((DEBIAN_ROOT_SECTOR * 512)),lazy_itable_init=0,lazy_journal_init=0" \
    -d "$root" "$disk" "$((DEBIAN_ROOT_SECTORS / 2))k"
}

describe_image() {
  cat <<JSON
{
  "name": "lodge-debian-12",
  "architecture": "x86_64",
  "format": "qcow2",
  "disk": "lodge-debian-12.qcow2",
  "default_user": "debian"
}
JSON
}

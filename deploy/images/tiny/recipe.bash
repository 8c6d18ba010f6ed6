# The tiny image: Debian's cloud kernel, a busybox initramfs, and a small ext4 root disk that keeps what is written.

# loglevel=6 shows notices (the kernel's "Linux version" line is one) and hides the hundreds of informational lines.
TINY_CMDLINE="console=ttyS0 loglevel=6 panic=5 no_timer_check cryptomgr.notests"
TINY_DISK_MIB=64
TINY_DISK_UUID=10d6e000-7117-4000-8000-000000000001
TINY_PACKAGES=(busybox-static dropbear-bin wide-dhcpv6-client qemu-guest-agent libc6 libcrypt1 libfl2 libglib2.0-0 libgmp10
  libnuma1 libpcre2-8-0 libtomcrypt1 libtommath1 libudev1 liburing2 zlib1g)
TINY_FILES=(lodge-tiny.vmlinuz lodge-tiny.initrd lodge-tiny.qcow2 lodge-tiny.json)

build_image() {
  need apt-get=apt dpkg-deb=dpkg cpio=cpio depmod=kmod mke2fs=e2fsprogs qemu-img=qemu-utils
  local kernel inputs
  inputs=$(inputs_of tiny linux-image-cloud-amd64 "${TINY_PACKAGES[@]}")
  if up_to_date "$inputs" "$OUT/.lodge-tiny.inputs" "${TINY_FILES[@]/#/$OUT/}"; then
    step "lodge-tiny is up to date in $OUT"
    return
  fi
  kernel=$(cloud_kernel_package)
  step "fetching $kernel, busybox, dropbear and what it is linked with"
  fetch_and_unpack "$WORK/debian" "$kernel" "${TINY_PACKAGES[@]}"
  mkdir "$WORK/out"
  cp "$WORK"/debian/boot/vmlinuz-* "$WORK/out/lodge-tiny.vmlinuz"
  # All times in the results are the kernel package's, so that the same packages give the same bytes.
  SOURCE_DATE_EPOCH=$(stat -c %Y "$WORK"/debian/boot/vmlinuz-*)
  step "making the initramfs"
  make_initramfs "$WORK/debian" "$WORK/root" "$WORK/out/lodge-tiny.initrd"
  step "making the root disk"
  make_root_disk "$WORK/out/lodge-tiny.qcow2"
  describe_image >"$WORK/out/lodge-tiny.json"
  publish "$WORK/out" "${TINY_FILES[@]}"
  printf '%s\n' "$inputs" >"$OUT/.lodge-tiny.inputs"
  step "lodge-tiny is ready:"
  report "${TINY_FILES[@]/#/$OUT/}"
}

# make_initramfs PACKAGES ROOT FILE. Not compressed: reading 5 MiB more is quicker than unpacking them in emulation.
make_initramfs() {
  local packages=$1 root=$2 file=$3 applet
  mkdir -p "$root"/{bin,dev,etc,proc,sys,run,tmp,root-disk,lib/modules,usr,var/log}
  cp "$packages/bin/busybox" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  copy_files "$packages" "$root"
  ln -s bin "$root/sbin"
  ln -s lib "$root/lib64"
  ln -s ../bin "$root/usr/bin"
  ln -s root-disk/root "$root/root" # The home folder outlives the boot.
  cp -r "$IMAGES/tiny/etc/." "$root/etc/"
  cp -r "$IMAGES/tiny/lib" "$root/lib/lodge"
  install -m 755 "$IMAGES/tiny/init" "$root/init"
  chmod 755 "$root"/lib/lodge/* "$root/etc/udhcpc/default.script" "$root/etc/acpi/PWRF/00000080"
  copy_modules "$packages/lib/modules" "$root/lib/modules"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  (cd "$root" && find . -print0 | sort -z | cpio --quiet --null --create --format=newc --reproducible --owner=0:0) >"$file"
}

# copy_files FROM ROOT: the listed programs to bin, libraries to lib; the links that lead to libraries are followed.
copy_files() {
  local from=$1 root=$2 file
  while read -r file; do
    case $file in
      */bin/* | */sbin/*) cp -L "$from/$file" "$root/bin/" ;;
      *) cp -L "$from/$file" "$root/lib/" ;;
    esac
  done < <(grep -v '^#' "$IMAGES/tiny/files")
}

# copy_modules FROM TO: the listed modules and what they need, flat, with the order to load them in `load-order`.
copy_modules() {
  local from=$1 to=$2 release wanted path
  release=$(basename "$from"/*)
  depmod -b "${from%/lib/modules}" "$release"
  grep -v '^#' "$IMAGES/tiny/modules" | while read -r wanted; do
    modprobe -d "${from%/lib/modules}" -S "$release" --show-depends "$wanted"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r path; do
    cp "$path" "$to/"
    basename "$path"
  done >"$to/load-order"
}

# An empty ext4 file system; the guest fills it. Nothing in it depends on the clock or on chance.
make_root_disk() {
  truncate -s "${TINY_DISK_MIB}M" "$WORK/root.ext4"
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -L lodge-root -m 0 -U "$TINY_DISK_UUID" \
    -E "hash_seed=$TINY_DISK_UUID,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0" "$WORK/root.ext4"
  qemu-img convert -f raw -O qcow2 "$WORK/root.ext4" "$1"
}

describe_image() {
  cat <<JSON
{
  "name": "lodge-tiny",
  "architecture": "x86_64",
  "format": "qcow2",
  "disk": "lodge-tiny.qcow2",
  "kernel": "lodge-tiny.vmlinuz",
  "ramdisk": "lodge-tiny.initrd",
  "cmdline": "$TINY_CMDLINE"
}
JSON
}

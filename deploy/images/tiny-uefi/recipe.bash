# lodge-tiny on a disk of its own that only UEFI boots: a GPT with an EFI system partition, and nothing but it. There is
# one file, where firmware without boot entries looks: systemd's stub with lodge-tiny's kernel, ramdisk and command line.

UEFI_DISK_MIB=48
UEFI_PARTITION_SECTOR=2048
UEFI_PARTITION_KIB=$(((UEFI_DISK_MIB - 2) * 1024))
UEFI_FILES=(lodge-tiny-uefi.qcow2 lodge-tiny-uefi.json)

build_image() {
  need apt-get=apt objcopy=binutils mcopy=mtools mkfs.fat=dosfstools sfdisk=fdisk qemu-img=qemu-utils jq=jq
  "$IMAGES/build" tiny --out "$OUT"
  local inputs
  inputs=$(
    inputs_of tiny-uefi systemd-boot-efi
    cat "$OUT/.lodge-tiny.inputs"
  )
  if up_to_date "$inputs" "$OUT/.lodge-tiny-uefi.inputs" "${UEFI_FILES[@]/#/$OUT/}"; then
    step "lodge-tiny-uefi is up to date in $OUT"
    return
  fi
  step "fetching systemd's EFI stub"
  fetch_and_unpack "$WORK/debian" systemd-boot-efi
  step "making the program that the firmware starts"
  make_program "$WORK/debian/usr/lib/systemd/boot/efi/linuxx64.efi.stub" "$WORK/BOOTX64.EFI"
  step "making the disk"
  mkdir "$WORK/out"
  make_disk "$WORK/BOOTX64.EFI" "$WORK/out/lodge-tiny-uefi.qcow2"
  describe_image >"$WORK/out/lodge-tiny-uefi.json"
  publish "$WORK/out" "${UEFI_FILES[@]}"
  printf '%s\n' "$inputs" >"$OUT/.lodge-tiny-uefi.inputs"
  step "lodge-tiny-uefi is ready:"
  report "${UEFI_FILES[@]/#/$OUT/}"
}

# make_program STUB FILE. The stub finds its parts by the sections' names; their places only must not overlap.
make_program() {
  jq -j .cmdline "$OUT/lodge-tiny.json" >"$WORK/cmdline"
  objcopy \
    --add-section .cmdline="$WORK/cmdline" --change-section-vma .cmdline=0x30000 \
    --add-section .linux="$OUT/lodge-tiny.vmlinuz" --change-section-vma .linux=0x2000000 \
    --add-section .initrd="$OUT/lodge-tiny.initrd" --change-section-vma .initrd=0x4000000 \
    "$1" "$2"
}

# make_disk PROGRAM FILE
make_disk() {
  local raw=$WORK/disk.raw partition=$WORK/disk.raw@@$((UEFI_PARTITION_SECTOR * 512))
  truncate -s "${UEFI_DISK_MIB}M" "$raw"
  sfdisk --quiet "$raw" <<TABLE
label: gpt
start=$UEFI_PARTITION_SECTOR, size=$((UEFI_PARTITION_KIB * 2)), type=uefi
TABLE
  mkfs.fat -F 32 -s 1 -n LODGE-EFI --offset "$UEFI_PARTITION_SECTOR" "$raw" "$UEFI_PARTITION_KIB" >"$WORK/mkfs.log" 2>&1 || {
    cat "$WORK/mkfs.log" >&2
    fail "mkfs.fat failed"
  }
  mmd -i "$partition" ::EFI ::EFI/BOOT
  mcopy -i "$partition" "$1" ::EFI/BOOT/BOOTX64.EFI
  qemu-img convert -f raw -O qcow2 "$raw" "$2"
}

describe_image() {
  cat <<JSON
{
  "name": "lodge-tiny-uefi",
  "architecture": "x86_64",
  "boot_mode": "uefi",
  "format": "qcow2",
  "disk": "lodge-tiny-uefi.qcow2"
}
JSON
}

#include "db/store/images.h"

#include "db/store/grants.h"
#include "db/store/records.h"

namespace lodge::db::images {
namespace {

#define IMAGE_COLUMNS                                                                                  \
    "id, account_id, region, type, state, name, description, architecture, location, sha256, format, " \
    "size_bytes, "                                                                                     \
    "virtual_size_bytes, root_device_name, kernel_id, ramdisk_id, kernel_cmdline, is_public, "         \
    "created_ms, deprecated_ms, last_launched_ms, boot_mode"

// Whose ID follows twice, and may see the image.
#define VISIBLE                                                                            \
    "(account_id = ? OR (state = 'available' AND (is_public = 1 OR EXISTS (SELECT 1 FROM " \
    "image_launch_permissions p WHERE "                                                    \
    "p.image_id = images.id AND p.account_id = ?))))"

Image from(const Row& row) {
    Image image;
    image.id = ImageId::trusted(std::string(row.text(0)));
    image.account_id = row.text(1);
    image.region = row.text(2);
    image.type = from_text<ImageType>(row.text(3)).value_or(ImageType::machine);
    image.state = from_text<ImageState>(row.text(4)).value_or(ImageState::deregistered);
    image.name = row.text(5);
    image.description = row.text(6);
    image.architecture = row.text(7);
    image.location = row.text(8);
    image.blob = {std::string(row.text(9)), std::string(row.text(10)), row.integer(11), row.integer(12)};
    image.root_device_name = row.text(13);
    image.kernel_id = row.text(14);
    image.ramdisk_id = row.text(15);
    image.kernel_cmdline = row.text(16);
    image.is_public = row.integer(17) != 0;
    image.created_ms = row.integer(18);
    image.deprecated_ms = row.integer(19);
    image.last_launched_ms = row.integer(20);
    image.boot_mode = from_text<BootMode>(row.text(21)).value_or(BootMode::legacy_bios);
    return image;
}

const Grants& grants() {
    static const Grants grants("image_launch_permissions", "image_id");
    return grants;
}

const Records<ImageDisk>& disk_table() {
    using D = ImageDisk;
    using S = VolumeShape;
    static const Records<D> records(
        "image_disks",
        {field("device", &D::device), field("snapshot_id", &D::snapshot_id),
         field("size_bytes", &D::shape, &S::size_bytes), field("type", &D::shape, &S::type),
         field("iops", &D::shape, &S::iops), field("throughput", &D::shape, &S::throughput),
         field("delete_on_termination", &D::delete_on_termination), field("encrypted", &D::encrypted)});
    return records;
}

// Images of imported content have none.
void load_disks(Session& session, Image& image) {
    if (image.type != ImageType::machine || !image.blob.sha256.empty()) return;
    image.disks = disk_table().all(session, "image_id = ? ORDER BY device <> ?, device",
                                   {image.id.str(), image.root_device_name});
}

std::optional<Image> one(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    std::optional<Image> found;
    session.query(sql, values, [&](const Row& row) { found = from(row); });
    if (found) load_disks(session, *found);
    return found;
}

std::vector<Image> many(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    std::vector<Image> all;
    session.query(sql, values, [&](const Row& row) { all.push_back(from(row)); });
    for (auto& image : all) load_disks(session, image);
    return all;
}

}  // namespace

void insert(Session& session, const Image& image) {
    session.execute("INSERT INTO images (" IMAGE_COLUMNS
                    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    {image.id.str(),
                     image.account_id,
                     image.region,
                     to_text(image.type),
                     to_text(image.state),
                     image.name,
                     image.description,
                     image.architecture,
                     image.location,
                     image.blob.sha256,
                     image.blob.format,
                     image.blob.size_bytes,
                     image.blob.virtual_size_bytes,
                     image.root_device_name,
                     image.kernel_id,
                     image.ramdisk_id,
                     image.kernel_cmdline,
                     std::int64_t{image.is_public},
                     image.created_ms,
                     image.deprecated_ms,
                     image.last_launched_ms,
                     to_text(image.boot_mode)});
    for (const auto& disk : image.disks)
        session.execute(
            "INSERT INTO image_disks (image_id, device, snapshot_id, size_bytes, type, iops, throughput, "
            "delete_on_termination, encrypted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {image.id.str(), disk.device, disk.snapshot_id.str(), disk.shape.size_bytes, disk.shape.type,
             disk.shape.iops, disk.shape.throughput, std::int64_t{disk.delete_on_termination},
             std::int64_t{disk.encrypted}});
}

void deregister(Session& session, const ImageId& id) {
    session.execute("UPDATE images SET state = ? WHERE id = ?",
                    {to_text(ImageState::deregistered), id.str()});
    erase_launch_permissions(session, id);
    session.execute("DELETE FROM image_disks WHERE image_id = ?", {id.str()});
}

std::vector<Image> waiting_for(Session& session, const SnapshotId& id) {
    return many(session,
                "SELECT " IMAGE_COLUMNS
                " FROM images WHERE state = 'pending' AND id IN (SELECT image_id FROM image_disks WHERE "
                "snapshot_id = ?) ORDER BY id",
                {id.str()});
}

bool is_complete(Session& session, const ImageId& id) {
    bool complete = true;
    session.query(
        "SELECT 1 FROM image_disks d JOIN snapshots s ON s.id = d.snapshot_id WHERE d.image_id = ? AND "
        "s.completed_ms = 0 LIMIT 1",
        {id.str()}, [&](const Row&) { complete = false; });
    return complete;
}

void set_state(Session& session, const ImageId& id, ImageState state) {
    session.execute("UPDATE images SET state = ? WHERE id = ?", {to_text(state), id.str()});
}

void update_attributes(Session& session, const Image& image) {
    session.execute("UPDATE images SET description = ?, is_public = ?, deprecated_ms = ? WHERE id = ?",
                    {image.description, std::int64_t{image.is_public}, image.deprecated_ms, image.id.str()});
}

void note_launch(Session& session, const ImageId& id, UnixMs now_ms) {
    constexpr std::int64_t precision_ms = 60'000;
    session.execute("UPDATE images SET last_launched_ms = ? WHERE id = ? AND last_launched_ms <= ?",
                    {now_ms, id.str(), now_ms - precision_ms});
}

std::vector<AccountId> launch_permissions(Session& session, const ImageId& id) {
    return grants().of(session, id.str());
}

void add_launch_permission(Session& session, const ImageId& id, const AccountId& account_id) {
    grants().add(session, id.str(), account_id);
}

void erase_launch_permission(Session& session, const ImageId& id, const AccountId& account_id) {
    grants().erase(session, id.str(), account_id);
}

void erase_launch_permissions(Session& session, const ImageId& id) {
    grants().erase_all(session, id.str());
}

std::optional<Image> find_visible(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id) {
    return one(session,
               "SELECT " IMAGE_COLUMNS
               " FROM images WHERE id = ? AND region = ? AND state <> 'deregistered' AND " VISIBLE,
               {id, region, account_id, account_id});
}

std::vector<Image> list_visible(Session& session, const AccountId& account_id, std::string_view region) {
    return many(session,
                "SELECT " IMAGE_COLUMNS
                " FROM images WHERE region = ? AND state <> 'deregistered' AND " VISIBLE " ORDER BY id",
                {region, account_id, account_id});
}

std::optional<Image> find_by_name(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view name) {
    return one(session,
               "SELECT " IMAGE_COLUMNS
               " FROM images WHERE account_id = ? AND region = ? AND name = ? AND state <> 'deregistered'",
               {account_id, region, name});
}

std::optional<Image> find_visible_content(Session& session, const AccountId& account_id,
                                          std::string_view sha256) {
    return one(session,
               "SELECT " IMAGE_COLUMNS " FROM images WHERE sha256 = ? AND state = 'available' AND " VISIBLE
               " ORDER BY id LIMIT 1",
               {sha256, account_id, account_id});
}

std::optional<Image> find_any(Session& session, std::string_view id) {
    return one(session, "SELECT " IMAGE_COLUMNS " FROM images WHERE id = ?", {id});
}

std::vector<Image> list_all(Session& session) {
    return many(session, "SELECT " IMAGE_COLUMNS " FROM images ORDER BY account_id, region, name, id", {});
}

bool content_is_over(Session& session, std::string_view sha256) {
    bool known = false;
    session.query(
        "SELECT 1 FROM images WHERE sha256 = ? UNION ALL SELECT 1 FROM former_layers WHERE sha256 = ? LIMIT "
        "1",
        {sha256, sha256}, [&](const Row&) { known = true; });
    return known && !content_in_use(session, sha256);
}

bool content_in_use(Session& session, std::string_view sha256) {
    bool used = false;
    session.query(
        "SELECT 1 FROM images i WHERE i.sha256 = ? AND (i.state = 'available' "
        "OR EXISTS (SELECT 1 FROM instances n WHERE n.ended_ms = 0 AND "
        "(n.image_id = i.id OR n.kernel_id = i.id OR n.ramdisk_id = i.id)) "
        "OR EXISTS (SELECT 1 FROM volumes v WHERE v.image_id = i.id) "
        "OR EXISTS (SELECT 1 FROM snapshots s WHERE s.image_id = i.id) "
        "OR EXISTS (SELECT 1 FROM images m WHERE m.state <> 'deregistered' AND "
        "(m.kernel_id = i.id OR m.ramdisk_id = i.id))) "
        "UNION ALL SELECT 1 FROM snapshots WHERE sha256 = ? LIMIT 1",
        {sha256, sha256}, [&](const Row&) { used = true; });
    return used;
}

}  // namespace lodge::db::images

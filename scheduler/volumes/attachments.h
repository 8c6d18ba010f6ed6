// The attachment of a volume to an instance, and a volume's end. Source: EC2 reference, "AttachVolume",
// "DetachVolume", "VolumeAttachment"; EC2 user guide, "EBS volume states".
//
//              begin_attach           note_plugged          begin_detach             note_plugged
//      [none] --------------> [attaching] -------> [attached] ------------> [detaching] -------> [none]
//
// Without a guest that runs, attaching and detaching take no time; an attaching volume may be detached too.
// What is asked of a guest is read from these states; what an agent says of it moves them on. Everything runs
// in the caller's transaction and writes the record.
#pragma once

#include <string_view>
#include <vector>

#include "db/driver/session.h"
#include "proto/agent/messages.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"
#include "proto/model/volume.h"

namespace lodge::volumes {

// Makes the record one of the instance's, and writes nothing. A volume that has no host yet goes to the
// instance's.
void put_attachment(Volume& volume, const Instance& instance, std::string_view device, AttachmentState state,
                    UnixMs now_ms);

// `live`: the instance has a guest that still must plug it in.
void begin_attach(db::Session& session, Volume& volume, const Instance& instance, std::string_view device,
                  bool live, UnixMs now_ms);

// `live`: the instance has a guest that still must let it go.
void begin_detach(db::Session& session, Volume& volume, bool live, UnixMs now_ms);

// Of one that is attached to nothing: its row stays until its host has removed its file.
void begin_delete(db::Session& session, Volume& volume);

// An agent's word on a running guest, which must be about the instance's present generation: an older one
// says nothing of volumes that were attached since. Attaching ones that are plugged in become attached,
// detaching ones that are not are free, and the modification ends of those that the guest has as they are to
// be. Returns whether anything has changed; repeated, nothing does.
bool note_plugged(db::Session& session, const InstanceId& instance_id,
                  const std::vector<link::ObservedDisk>& plugged, UnixMs now_ms);

// The instance's guest holds nothing any more: detaching volumes are free, attaching ones wait, attached, for
// the next. Of an instance that ends, volumes are deleted or free, as they were to be; its root disk only
// once the guest is removed, unless it is to stay. Modifications end: the next guest begins with what came
// of them. Returns whether hosts are asked for something else.
bool settle_ended_guest(db::Session& session, const Instance& instance, const Guest& guest, UnixMs now_ms);

// Makes it of that shape: at once, unless the instance that has it is `live` and would notice; then its guest
// is asked. Returns it as written.
VolumeModification begin_modification(db::Session& session, Volume& volume, const VolumeShape& target,
                                      bool live, UnixMs now_ms);

// The host's word that the file of a volume that was being deleted is gone.
void note_removed(db::Session& session, const HostId& host_id, const VolumeId& id);

}  // namespace lodge::volumes

// Which requests an I/O thread answers itself.
#pragma once

#include "proto/http/server.h"

namespace lodge::api {

// Whether it asks for a few resources by ID and no more, as clients do over and over that wait for a state:
// to take it to another thread and back costs more than to answer it. Whatever could be read another way is
// not brief, since an action that waits would keep an I/O thread's other connections waiting. Pure.
bool is_brief(const http::Request& request);

}  // namespace lodge::api

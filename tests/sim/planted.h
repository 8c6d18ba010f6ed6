// Whether a bug of bugs.py is switched on; in sim_planted alone.
#pragma once

namespace lodge::sim {

bool planted(int number);
void plant(int number);

}  // namespace lodge::sim

/* One instance and the host that it was launched on, whole; the rest of the cluster is one flag. README.md says which
 * code each part stands for. MISTAKE and SCENARIO come from the environment: 0 is Lodge as it is meant. */

/* What a guest was seen as, in the order of its life. */
#define PLACED 0
#define RUNNING 1
#define STOPPED 2
#define GONE 3
#define FAILED 4
#define REMOVED 5
#define height(seen) (seen >= FAILED -> seen - 1 : seen)

#define RUN 0
#define STOP 1
#define TERMINATE 2

/* A domain. */
#define NONE 0
#define HELD 1
#define ON 2
#define OFF 3

/* Steps of the agent's workers. */
#define IDLE 0
#define START 1
#define RESUME 2
#define END 3
#define END_STRAY 4

#define GUESTS 2 /* guests of the instance that this host may have, one after the other */

byte mistake, scenario;
#define no_mistake(n) (mistake != n)
#define is_mistake(n) (mistake == n)

/* Troubles that may still come. */
byte lodged_crashes, lodged_stalls, agent_crashes, freezes, power_cuts, losses, leases, fences, doubles, restores, wishes;
bool calm;

/* lodged: its rows. */
byte epoch = 1, highest_epoch = 1, guest = 1, desired = RUN, seen = PLACED, generation = 1;
bool here = true, keeps_root, elsewhere_runs;
/* lodged: what it forgets with its process. */
bool heard, greeted, young = true, lapsed = true;
byte boot = 1;
bool listened; /* ghost: a whole lease has passed without a word of the host, while lodged listened */

/* Two hellos under way: 1 has arrived, 2 its epoch was looked at, 3 answered. */
byte hello_stage[2], hello_epoch[2];

/* An answer to the poll, and a report, under way. */
bool list_full, list_fresh, letter_full;
byte list_boot, list_epoch_of, list_guest, list_desired, list_seen, list_generation;
byte letter_guest, letter_seen, letter_generation;

/* The host. */
bool frozen, powered = true;
byte disk_epoch; /* in the agent's folder */
byte domain[3];
bool wrong_word; /* ghost: fenced while it was on, and its agent has not taken in the new epoch */

/* The agent. */
byte my_epoch, of_list, leaving, next_epoch, waits_for, known_boot;
bool hello_said, fresh, list_wanted, todo[3];
bool has[3], ran[3];
byte busy[3], wanted[3], wanted_generation[3], told[3];

#define well_placed (here && guest > 0)
#define pending (well_placed && desired == RUN && seen < RUNNING)
#define agent_runs (powered && !frozen)
#define any_busy (busy[1] != IDLE || busy[2] != IDLE)
#define holds(g) (here && guest == g && seen < GONE)
#define stale(g) (domain[g] == ON && !holds(g))
#define excused (wrong_word && my_epoch != epoch)

inline changed() {
    fresh = false;
    list_fresh = false
}

inline hear() {
    heard = true;
    lapsed = false;
    listened = false
}

inline forget() {
    heard = false;
    greeted = false;
    lapsed = true
}

inline restart_lodged() {
    forget();
    young = true;
    listened = false;
    boot++;
    changed();
    hello_stage[0] = 0; hello_epoch[0] = 0;
    hello_stage[1] = 0; hello_epoch[1] = 0
}

/* lifecycle: settle_ended() */
inline settle_ended() {
    desired = (seen == FAILED && !keeps_root -> TERMINATE : STOP);
    generation++
}

/* lifecycle: lose_host() */
inline lose() {
    if
    :: here && seen < GONE ->
        seen = (seen < RUNNING && !keeps_root -> FAILED : GONE);
        if
        :: desired == RUN -> settle_ended()
        :: else -> generation++
        fi
    :: else
    fi
}

/* Agents::apply(), lifecycle: observe() */
inline apply(g, gen, what) {
    hear();
    if
    :: here && g == guest && gen >= generation && height(what) > height(seen) ->
        seen = what;
        if
        :: desired == RUN && seen > RUNNING -> settle_ended(); changed()
        :: else
        fi
    :: else
    fi
}

inline want(what) {
    desired = what;
    generation++;
    changed()
}

inline greet_host() {
    hear();
    greeted = true
}

/* fencing.cpp: when it is accepted. */
#define settling (young && !greeted)
#define unreachable (!heard || lapsed || !greeted)
#define can_fence ((!settling || is_mistake(5)) && unreachable && (is_mistake(14) || !heard || lapsed))

proctype lodged() {
    byte i;
    do
    :: d_step { lodged_crashes > 0 -> lodged_crashes--; restart_lodged() }
    :: d_step { lodged_stalls > 0 -> lodged_stalls--;
        if
        :: is_mistake(13) -> lapsed = true; young = false
        :: else
        fi }
    :: d_step { leases > 0 && !listened -> leases--; lapsed = true; young = false; listened = true }
    :: d_step { fences > 0 && can_fence -> fences--;
        assert(listened); /* invariant 3: nobody is declared dead because we were away */
        highest_epoch++;
        epoch = (is_mistake(16) -> epoch + 1 : highest_epoch);
        wrong_word = wrong_word || powered;
        lose();
        forget();
        changed() }
    :: d_step { hello_stage[0] == 1 || hello_stage[1] == 1 ->
        i = (hello_stage[0] == 1 -> 0 : 1);
        if
        :: hello_epoch[i] < epoch && epoch > 1 && no_mistake(4) -> hello_epoch[i] = epoch; hello_stage[i] = 3
        :: else ->
            if
            :: is_mistake(12) -> hello_stage[i] = 2
            :: else -> greet_host(); hello_epoch[i] = epoch; hello_stage[i] = 3
            fi
        fi }
    :: d_step { hello_stage[0] == 2 -> greet_host(); hello_epoch[0] = epoch; hello_stage[0] = 3 }
    :: d_step { hello_stage[1] == 2 -> greet_host(); hello_epoch[1] = epoch; hello_stage[1] = 3 }
    :: d_step { hello_stage[0] == 3 && waits_for != 1 -> hello_stage[0] = 0; hello_epoch[0] = 0 } /* nobody waits any more */
    :: d_step { hello_stage[1] == 3 && waits_for != 2 -> hello_stage[1] = 0; hello_epoch[1] = 0 }
    :: atomic { letter_full -> apply(letter_guest, letter_generation, letter_seen);
        if
        :: doubles > 0 -> doubles--
        :: letter_full = false; letter_guest = 0; letter_generation = 0; letter_seen = 0
        fi }
    /* Upkeep: a pending instance is given up when its host has been well for as long. */
    :: d_step { wishes > 0 && pending && ((greeted && !lapsed) || is_mistake(6)) -> wishes--;
        assert(greeted && !lapsed);
        want((keeps_root -> STOP : TERMINATE)) }
    /* Clients. */
    :: d_step { wishes > 0 && here && desired == RUN && seen == RUNNING -> wishes--; want(STOP) }
    :: d_step { wishes > 0 && here && desired != TERMINATE -> wishes--; want(TERMINATE) }
    :: d_step { wishes > 0 && here && desired == STOP && seen >= GONE && guest < GUESTS && greeted && !lapsed -> wishes--;
        guest++; seen = PLACED; keeps_root = true; want(RUN) }
    :: d_step { wishes > 0 && here && desired == STOP && seen >= GONE -> wishes--;
        here = false; seen = PLACED; elsewhere_runs = true; want(RUN) }
    /* A backup comes back from before a fencing that is over, and with it the epoch of then. Polls have timed out by then. */
    :: d_step { restores > 0 && epoch > 1 && !list_full && my_epoch == epoch && leaving == 0 -> restores--; epoch = 1; restart_lodged() }
    :: d_step { !calm -> calm = true;
        lodged_crashes = 0; lodged_stalls = 0; agent_crashes = 0; freezes = 0; power_cuts = 0; losses = 0; leases = 0;
        fences = 0; doubles = 0; restores = 0; wishes = 0 }
    od
}

inline clear_guest(g) {
    has[g] = false; ran[g] = false; busy[g] = IDLE; wanted[g] = 0; wanted_generation[g] = 0; told[g] = 0
}

inline end_agent() {
    clear_guest(1); clear_guest(2); todo[1] = false; todo[2] = false;
    my_epoch = disk_epoch; of_list = 0; leaving = 0; next_epoch = 0; waits_for = 0; known_boot = 0;
    hello_said = false; fresh = false; list_wanted = false;
    list_full = false; list_fresh = false; list_boot = 0; list_epoch_of = 0; list_guest = 0; list_desired = 0;
    list_seen = 0; list_generation = 0
}

inline stop_machine(g) {
    if
    :: domain[g] != NONE -> domain[g] = OFF
    :: else
    fi
}

proctype machine() {
    do
    :: d_step { agent_crashes > 0 && agent_runs -> agent_crashes--; end_agent() }
    :: d_step { freezes > 0 && agent_runs -> freezes--; frozen = true }
    :: d_step { frozen -> frozen = false }
    :: d_step { power_cuts > 0 && powered -> power_cuts--; powered = false; frozen = false;
        stop_machine(1); stop_machine(2); end_agent() }
    :: d_step { !powered -> powered = true }
    od
}

inline keep_word() {
    wrong_word = (wrong_word && my_epoch != epoch)
}

/* Greeted in an epoch that the list is not of: nothing else would bring another. */
inline ask_anew() {
    if
    :: of_list > 0 && of_list != my_epoch && no_mistake(15) -> list_wanted = true
    :: else
    fi
}

/* The heartbeat's thread: heartbeat_turn(), greet(), leave_epoch(). */
proctype heart() {
    byte i, answer;
    do
    :: d_step { agent_runs && !hello_said && waits_for == 0 && leaving == 0 && (hello_stage[0] == 0 || hello_stage[1] == 0) ->
        i = (hello_stage[0] == 0 -> 0 : 1);
        hello_stage[i] = 1; hello_epoch[i] = my_epoch; waits_for = i + 1; i = 0 }
    :: d_step { agent_runs && losses > 0 && waits_for > 0 -> losses--; waits_for = 0 }
    :: d_step { agent_runs && waits_for > 0 && hello_stage[waits_for - 1] == 0 -> waits_for = 0 } /* lodged has died */
    :: d_step { agent_runs && waits_for > 0 && hello_stage[waits_for - 1] == 3 ->
        answer = hello_epoch[waits_for - 1];
        hello_stage[waits_for - 1] = 0; hello_epoch[waits_for - 1] = 0; waits_for = 0;
        if
        :: answer == my_epoch -> hello_said = true; ask_anew()
        :: answer > my_epoch && answer > 1 -> next_epoch = answer;
            if
            :: is_mistake(1) -> leaving = 5 /* its guests go on */
            :: is_mistake(2) -> leaving = 3 /* they end, but not before the new epoch is kept */
            :: else -> leaving = 1
            fi
        :: else -> /* its first, or a restored control plane's */
            disk_epoch = answer; my_epoch = answer; hello_said = true; keep_word(); ask_anew()
        fi;
        answer = 0 }
    :: d_step { agent_runs && leaving == 1 ->
        of_list = next_epoch;
        if
        :: any_busy && no_mistake(3) -> leaving = 0; next_epoch = 0
        :: else -> leaving = 2; todo[1] = domain[1] != NONE; todo[2] = domain[2] != NONE
        fi }
    :: d_step { agent_runs && leaving == 2 && todo[1] -> domain[1] = NONE; todo[1] = false }
    :: d_step { agent_runs && leaving == 2 && todo[2] && !todo[1] -> domain[2] = NONE; todo[2] = false }
    :: d_step { agent_runs && leaving == 2 && !todo[1] && !todo[2] -> clear_guest(1); clear_guest(2); list_wanted = true;
        leaving = (is_mistake(2) -> 6 : 4) }
    :: d_step { agent_runs && leaving == 3 -> disk_epoch = next_epoch; my_epoch = next_epoch; leaving = 1 } /* mistake 2 */
    :: d_step { agent_runs && leaving == 4 -> disk_epoch = next_epoch; leaving = 5 }
    :: d_step { agent_runs && leaving == 5 -> disk_epoch = next_epoch; my_epoch = next_epoch; leaving = 6 }
    :: d_step { leaving == 6 -> leaving = 0; next_epoch = 0; keep_word() }
    :: d_step { agent_runs && waits_for == 0 && leaving == 0 && (!heard || lapsed || (hello_said && !greeted)) -> hear();
        if
        :: !greeted -> hello_said = false
        :: else
        fi }
    od
}

/* take_desired() for the guest that the list names. */
inline take(g, anew) {
    if
    :: anew || !has[g] || list_generation >= wanted_generation[g] ->
        has[g] = true; wanted[g] = list_desired; wanted_generation[g] = list_generation; told[g] = list_seen
    :: else
    fi
}

inline drop(g) {
    if
    :: list_guest != g && busy[g] == IDLE -> clear_guest(g)
    :: else
    fi
}

/* The poll's thread. */
proctype poll() {
    bool anew;
    do
    :: d_step { agent_runs && !list_full && (!fresh || list_wanted) -> hear();
        if
        :: list_wanted -> known_boot = 0; list_wanted = false
        :: else
        fi;
        list_full = true; list_fresh = true; list_boot = boot; list_epoch_of = epoch;
        if
        :: here && seen != REMOVED ->
            list_guest = guest; list_desired = desired; list_seen = seen; list_generation = generation
        :: else
        fi }
    :: d_step { agent_runs && list_full ->
        anew = list_boot != known_boot; known_boot = list_boot; fresh = list_fresh;
        if
        :: no_mistake(7) && list_epoch_of < my_epoch
        :: no_mistake(7) && no_mistake(11) && leaving > 0 && list_epoch_of < next_epoch
        :: else ->
            of_list = list_epoch_of;
            if
            :: list_guest > 0 -> take(list_guest, anew)
            :: else
            fi;
            drop(1); drop(2)
        fi;
        anew = false;
        list_full = false; list_fresh = false; list_boot = 0; list_epoch_of = 0; list_guest = 0; list_desired = 0;
        list_seen = 0; list_generation = 0 }
    od
}

/* A report: heard, heard without the agent knowing, lost, or late. */
inline report(g, what) {
    if
    :: apply(g, wanted_generation[g], what); told[g] = what
    :: losses > 0 -> losses--; apply(g, wanted_generation[g], what)
    :: losses > 0 -> losses--
    :: losses > 0 && !letter_full -> losses--;
        letter_full = true; letter_guest = g; letter_generation = wanted_generation[g]; letter_seen = what
    fi
}

#define other(g) (3 - g)
#define has_ran(g) (ran[g] || told[g] == RUNNING || told[g] == STOPPED)
#define may_act (of_list == 0 || of_list == my_epoch || is_mistake(8))

#define looks(g) (agent_runs && has[g] && busy[g] == IDLE && may_act)

/* reconcile_once(), decide(), and a worker for each guest. */
proctype reconcile(byte g) {
    do
    :: d_step { looks(g) && wanted[g] == RUN && domain[g] == ON && !ran[g] -> ran[g] = true }
    :: atomic { looks(g) && wanted[g] == RUN && domain[g] == ON && told[g] < RUNNING -> ran[g] = true; report(g, RUNNING) }
    :: atomic { looks(g) && wanted[g] == RUN && domain[g] != ON && has_ran(g) && told[g] < STOPPED -> report(g, STOPPED) }
    :: d_step { looks(g) && wanted[g] == RUN && domain[g] != ON && !has_ran(g) && told[g] < STOPPED ->
        busy[g] = (domain[other(g)] != NONE && !has[other(g)] -> END_STRAY : START) }
    :: d_step { looks(g) && wanted[g] != RUN && domain[g] != NONE -> busy[g] = END }
    :: atomic { looks(g) && wanted[g] == STOP && domain[g] == NONE && told[g] < GONE -> report(g, GONE) }
    :: atomic { looks(g) && wanted[g] == TERMINATE && domain[g] == NONE && told[g] != REMOVED -> report(g, REMOVED) }
    :: d_step { agent_runs && busy[g] == START ->
        if
        :: domain[other(g)] != NONE -> busy[g] = IDLE /* the hypervisor refuses: they share a UUID */
        :: else ->
            if
            :: domain[g] == ON -> ran[g] = has[g]; busy[g] = IDLE
            :: else -> domain[g] = HELD; busy[g] = RESUME
            fi
        fi }
    :: d_step { agent_runs && busy[g] == RESUME ->
        if
        :: domain[g] == HELD -> domain[g] = ON; ran[g] = true
        :: else
        fi;
        busy[g] = IDLE }
    :: d_step { agent_runs && busy[g] == END -> domain[g] = NONE; busy[g] = IDLE }
    :: d_step { agent_runs && busy[g] == END_STRAY -> domain[other(g)] = NONE; busy[g] = IDLE }
    od
}

/* What must hold: at every moment, and once nothing moves. */
proctype watch() {
    do
    /* Invariant 1: never two guests of one instance that run, nor one that is nobody's. */
    :: atomic { agent_runs && (stale(1) || stale(2)) && !excused -> assert(false) }
    :: atomic { agent_runs && elsewhere_runs && (domain[1] == ON || domain[2] == ON) && !excused -> assert(false) }
    :: atomic { domain[1] == ON && domain[2] == ON -> assert(false) }
    :: atomic { timeout && calm ->
        assert(!pending);                                                    /* a pending instance ends */
        assert(!(here && desired == RUN) || domain[guest] == ON);            /* what is said to run runs */
        assert(!(here && desired == STOP) || domain[guest] == NONE);         /* what is to be off is off */
        assert(!(here && desired == TERMINATE) || seen == REMOVED);          /* what is to end ends */
        assert(hello_said && greeted && my_epoch == epoch);                  /* and the host serves again */
        break }
    od
}

#define trouble(a, b, c, d, e, f, g, h, i, j, k) \
    lodged_crashes = a; lodged_stalls = b; agent_crashes = c; freezes = d; power_cuts = e; losses = f; leases = g; \
    fences = h; doubles = i; restores = j; wishes = k

init {
    atomic {
        c_code {
            now.mistake = getenv("MISTAKE") ? atoi(getenv("MISTAKE")) : 0;
            now.scenario = getenv("SCENARIO") ? atoi(getenv("SCENARIO")) : 0;
        };
        if /*                     lodged: crashes, stalls; agent: crashes; freezes, power; losses, leases, fences, doubles, restores, wishes */
        :: scenario == 0 -> trouble(0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1)
        :: scenario == 1 -> trouble(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 2)
        :: scenario == 2 -> trouble(1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1)
        :: scenario == 3 -> trouble(0, 0, 0, 0, 0, 0, 2, 2, 0, 1, 2)
        fi;
        run lodged(); run machine(); run heart(); run poll(); run reconcile(1); run reconcile(2); run watch()
    }
}

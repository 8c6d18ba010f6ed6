/* Launches with one ClientToken, asked for by two clients at once and again, and the writer that takes both requests'
 * changes in one commit. README.md says which code each part stands for. MISTAKE comes from the environment: 0 is Lodge as
 * it is meant. */

#define CLIENTS 2
#define TRIES 3

byte mistake;
byte crashes = 2, losses = 2, doubles = 1, failures = 1;

/* A request: nobody asks, it waits for the writer, it is done but not committed, the answer is on its way. */
#define NOTHING 0
#define ASKED 1
#define DONE 2
#define ANSWERED 3
byte request[CLIENTS], result[CLIENTS];
bool again[CLIENTS]; /* the message has come twice */
byte first_result;   /* ghost: what a client was told; 0: nothing yet */

/* The rows: committed, and as the writer's open transaction has them. 0: none. */
byte token, launches, open_token, open_launches;
bool open;

inline begin() {
    if
    :: !open -> open = true; open_token = token; open_launches = launches
    :: else
    fi
}

/* replay(), launch_instances(), remember() in one savepoint. The result is the number of the launch. */
inline run_request(c) {
    begin();
    if
    :: (mistake == 1 -> token : open_token) > 0 -> /* 1: it is looked up where only commits are seen */
        result[c] = (mistake == 1 -> token : open_token)
    :: else ->
        open_launches++;
        result[c] = open_launches;
        if
        :: mistake != 2 -> open_token = open_launches
        :: else /* 2: it is written after the launch's commit */
        fi
    fi;
    request[c] = (mistake == 3 -> ANSWERED : DONE) /* 3: the client is told before the commit */
}

inline commit() {
    token = open_token;
    launches = open_launches;
    open = false; open_token = 0; open_launches = 0
}

inline roll_back() {
    open = false; open_token = 0; open_launches = 0
}

inline refuse(c) {
    if
    :: request[c] == DONE || (request[c] == ASKED && !again[c]) -> request[c] = NOTHING; result[c] = 0; again[c] = false
    :: else
    fi
}

proctype writer() {
    byte late;
    do
    :: d_step { request[0] == ASKED -> run_request(0) }
    :: d_step { request[1] == ASKED -> run_request(1) }
    :: d_step { open ->
        commit();
        if
        :: mistake == 2 && token == 0 -> late = launches
        :: else
        fi;
        if
        :: request[0] == DONE -> request[0] = ANSWERED
        :: else
        fi;
        if
        :: request[1] == DONE -> request[1] = ANSWERED
        :: else
        fi }
    :: d_step { late > 0 -> token = late; late = 0 }
    :: d_step { open && failures > 0 -> failures--; roll_back(); refuse(0); refuse(1) } /* the commit fails */
    :: d_step { crashes > 0 -> crashes--; roll_back(); late = 0;
        request[0] = NOTHING; result[0] = 0; again[0] = false;
        request[1] = NOTHING; result[1] = 0; again[1] = false }
    od
}

proctype client(byte c) {
    byte tries = TRIES;
    bool waits;
    do
    :: d_step { !waits && tries > 0 && request[c] == NOTHING -> tries--; waits = true; request[c] = ASKED }
    :: d_step { !waits && tries > 0 && request[c] == NOTHING && doubles > 0 -> doubles--;
        tries--; waits = true; request[c] = ASKED; again[c] = true }
    :: d_step { waits && request[c] == ANSWERED ->
        /* Invariant 2: one result for each ClientToken, and what was told is there for good. */
        assert(first_result == 0 || first_result == result[c]);
        assert(result[c] <= launches);
        first_result = result[c];
        request[c] = (again[c] -> ASKED : NOTHING);
        again[c] = false; result[c] = 0; waits = request[c] == ASKED }
    :: d_step { request[c] == ANSWERED && losses > 0 -> losses--; request[c] = NOTHING; result[c] = 0; again[c] = false; waits = false }
    :: d_step { waits && request[c] == NOTHING -> waits = false } /* lodged has died, or refused */
    od
}

proctype watch() {
    do
    :: atomic { launches > 1 -> assert(false) }
    :: atomic { first_result > launches && !open -> assert(false) }
    :: atomic { timeout -> assert(launches == (token > 0 -> 1 : 0)); break }
    od
}

init {
    atomic {
        c_code {
            now.mistake = getenv("MISTAKE") ? atoi(getenv("MISTAKE")) : 0;
        };
        run writer(); run client(0); run client(1); run watch()
    }
}
